/** Home-made certificates for tests, by openssl. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsFiles } from './control-plane.ts';

const SELF_SIGNED = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes `<name>.key` and `<name>.crt` in a folder, for `localhost`; returns what they hold. */
export function makeCertificate(folder: string, name: string, days = 2): TlsFiles {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.crt`);
  const about = ['-days', `${days}`, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', [...SELF_SIGNED, ...about, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

/** As `curl --pinnedpubkey` takes it. */
export function pinOf({ cert }: TlsFiles): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256//${createHash('sha256').update(spki).digest('base64')}`;
}
