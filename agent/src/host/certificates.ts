/** When the certificates run out that this server uses: those of certbot, and those that the configuration of nginx names. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing, readOwnFile } from './own-files.ts';

const CERTBOT = '/etc/letsencrypt/live';
const NGINX = '/etc/nginx';
const FILE_BYTES_MAX = 1024 * 1024;
const FILES_MAX = 500;

/** A certificate that is in use. */
export interface Certificate {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** Reads them; `roots` are for tests. What is no certificate or cannot be read is left out. */
export function readCertificates(roots = { certbot: CERTBOT, nginx: NGINX }): Certificate[] {
  const named = [
    ...list(roots.certbot).map((name) => join(roots.certbot, name, 'cert.pem')),
    ...configurationFiles(roots.nginx, 0).flatMap((file) => certificatesIn(file, roots.nginx)),
  ];
  const unique = new Map<string, string>();
  for (const path of named) {
    const real = realPath(path);
    if (real !== null && !unique.has(real)) unique.set(real, path);
  }
  return [...unique].slice(0, FILES_MAX).flatMap(([real, path]) => readCertificate(real, path));
}

function readCertificate(real: string, path: string): Certificate[] {
  const text = read(real);
  const pem =
    text === null ? undefined : /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text)?.[0];
  if (pem === undefined) return [];
  try {
    return [{ path, endsAt: new X509Certificate(pem).validToDate.getTime() }];
  } catch (error) {
    if (error instanceof Error) return []; // not a certificate after all
    throw error;
  }
}

/** `ssl_certificate` directives; relative paths are below the folder of nginx. Source: ngx_http_ssl_module. */
function certificatesIn(file: string, root: string): string[] {
  const text = read(file) ?? '';
  return [...text.matchAll(/^[ \t]*ssl_certificate[ \t]+["']?([^\s;"']+)["']?[ \t]*;/gm)].map(([, path = '']) =>
    path.startsWith('/') ? path : join(root, path),
  );
}

function configurationFiles(folder: string, depth: number): string[] {
  if (depth > 3) return [];
  return list(folder)
    .flatMap((name) => {
      const path = join(folder, name);
      return /^(conf\.d|sites-enabled|snippets|servers|vhosts?(\.d)?)$/.test(name)
        ? configurationFiles(path, depth + 1)
        : depth > 0 || name.endsWith('.conf')
          ? [realPath(path) ?? path]
          : [];
    })
    .slice(0, FILES_MAX);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isMissing(error) || isDenied(error)) return [];
    throw error;
  }
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isMissing(error) || isDenied(error)) return null;
    throw error;
  }
}

function read(path: string): string | null {
  try {
    return readOwnFile(path, FILE_BYTES_MAX)?.bytes.toString('utf8') ?? null;
  } catch (error) {
    if (error instanceof RangeError || isDenied(error)) return null;
    throw error;
  }
}

function isDenied(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP'].includes(String(error.code))
  );
}
