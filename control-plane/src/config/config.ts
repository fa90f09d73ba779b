/** The configuration: meaning, defaults and cross-checks of the environment. Holds paths of keys, never keys; `secrets.ts` loads those. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { isLoopback, isWildcard, parseHost } from './addresses.ts';
import type { Env, VariableName } from './env.ts';

/**
 * How the control plane speaks TLS. `off`: plain HTTP, on loopback only. `given`: with the certificate of the operator.
 * `own`: with a certificate that it makes itself and that agents pin. `proxy`: a reverse proxy in front does it.
 */
export type TlsSettings =
  | { readonly mode: 'off' | 'own' | 'proxy' }
  | { readonly mode: 'given'; readonly certFile: string; readonly keyFile: string };

export interface Config {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 takes a free one, and `publicUrl` follows once it is known. */
  readonly port: number;
  /** Absolute path of the folder with database and keys. */
  readonly dataDir: string;
  /** Origin under which people and servers reach us, without a slash at the end. */
  readonly publicUrl: string;
  /** Whether the operator named the public URL; otherwise it was guessed from host and port. */
  readonly publicUrlGiven: boolean;
  readonly tls: TlsSettings;
  /** Absolute paths of the folders with playbooks of the owner's own. */
  readonly playbookFolders: readonly string[];
  readonly localAgent: 'observe' | 'act' | 'off';
  readonly telegram: { readonly token: string; readonly apiRoot: string } | null;
}

/** What is wrong with one variable, and what to do. */
export interface ConfigProblem {
  readonly variable: VariableName;
  readonly problem: string;
}

/** The configuration cannot be used. Names every problem at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ variable, problem }) => `${variable}: ${problem}`).join('\n'));
    this.problems = problems;
  }
}

/** Makes the configuration from the environment. Throws {@link ConfigError} with all problems found. */
export function loadConfig(env: Env): Config {
  const problems: ConfigProblem[] = [];
  const bad = (variable: VariableName, problem: string) => {
    problems.push({ variable, problem });
  };
  const host = readHost(env, bad);
  const port = readPort(env, bad);
  const tls = readTls(env, host, bad);
  const publicUrl = readPublicUrl(env, tls, bad);
  const localAgent = env.COUNTERSIGN_LOCAL_AGENT ?? 'observe';
  if (localAgent !== 'observe' && localAgent !== 'act' && localAgent !== 'off')
    bad('COUNTERSIGN_LOCAL_AGENT', `"${localAgent}" is none of observe, act, off`);
  const telegram = readTelegram(env, bad);
  if (problems.length > 0) throw new ConfigError(problems);
  const dataDir = resolve(env.COUNTERSIGN_DATA ?? 'data');
  return {
    host,
    port,
    dataDir,
    playbookFolders: (env.COUNTERSIGN_PLAYBOOKS ?? `${dataDir}/playbooks`)
      .split(':')
      .filter((folder) => folder !== '')
      .map((folder) => resolve(folder)),
    publicUrl: publicUrl ?? guessedUrl(host, port, tls),
    publicUrlGiven: publicUrl !== null,
    tls,
    localAgent: localAgent as Config['localAgent'],
    telegram,
  };
}

/** The configuration as it may be printed: without the bot's token. */
export function printableConfig(config: Config): Record<string, unknown> {
  return { ...config, telegram: config.telegram ? { apiRoot: config.telegram.apiRoot, token: '[set]' } : null };
}

/** The public URL when nobody named one. A wildcard address is replaced by the first address of this machine. */
export function guessedUrl(host: string, port: number, tls: TlsSettings): string {
  const scheme = tls.mode === 'off' ? 'http' : 'https';
  const shown = isWildcard(host) ? (firstAddress() ?? 'localhost') : isLoopback(host) ? 'localhost' : host;
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

function firstAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  return (outside.find(({ family }) => family === 'IPv4') ?? outside[0])?.address;
}

type Bad = (variable: VariableName, problem: string) => void;

function readHost(env: Env, bad: Bad): string {
  const host = env.COUNTERSIGN_HOST ?? '127.0.0.1';
  const parsed = parseHost(host);
  if (parsed === null) bad('COUNTERSIGN_HOST', `"${host}" is neither an IP address nor a host name`);
  return parsed ?? host;
}

function readPort(env: Env, bad: Bad): number {
  const text = env.COUNTERSIGN_PORT ?? '7070';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) bad('COUNTERSIGN_PORT', `"${text}" is no port; use a number from 1 to 65535`);
  return port;
}

function readTls(env: Env, host: string, bad: Bad): TlsSettings {
  const { COUNTERSIGN_TLS_CERT: certFile, COUNTERSIGN_TLS_KEY: keyFile, COUNTERSIGN_BEHIND_PROXY: proxy } = env;
  if (proxy !== undefined && proxy !== '1' && proxy !== '0')
    bad('COUNTERSIGN_BEHIND_PROXY', `"${proxy}" is neither 1 nor 0`);
  if (certFile !== undefined && keyFile === undefined)
    bad('COUNTERSIGN_TLS_KEY', 'is missing, and COUNTERSIGN_TLS_CERT is useless without its key');
  if (keyFile !== undefined && certFile === undefined)
    bad('COUNTERSIGN_TLS_CERT', 'is missing, and COUNTERSIGN_TLS_KEY is useless without its certificate');
  if (proxy === '1' && (certFile ?? keyFile) !== undefined)
    bad('COUNTERSIGN_BEHIND_PROXY', 'contradicts COUNTERSIGN_TLS_CERT: either the proxy speaks TLS or we do');
  if (proxy === '1') {
    if (!env.COUNTERSIGN_URL) bad('COUNTERSIGN_URL', 'is needed behind a proxy: the address that the proxy serves');
    return { mode: 'proxy' };
  }
  if (certFile !== undefined && keyFile !== undefined) {
    checkCertificate(certFile, keyFile, bad);
    return { mode: 'given', certFile: resolve(certFile), keyFile: resolve(keyFile) };
  }
  return { mode: isLoopback(host) ? 'off' : 'own' };
}

function checkCertificate(certFile: string, keyFile: string, bad: Bad): void {
  const cert = readPem(
    certFile,
    (pem) => new X509Certificate(pem),
    'a PEM certificate',
    (problem) => bad('COUNTERSIGN_TLS_CERT', problem),
  );
  const key = readPem(
    keyFile,
    (pem) => createPrivateKey(pem),
    'a PEM private key',
    (problem) => bad('COUNTERSIGN_TLS_KEY', problem),
  );
  if (cert && key && !cert.checkPrivateKey(key))
    bad('COUNTERSIGN_TLS_KEY', `${keyFile} is not the key of the certificate in ${certFile}`);
}

function readPem<T>(file: string, parse: (pem: Buffer) => T, what: string, bad: (problem: string) => void): T | null {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    bad(`cannot read ${file} (${error instanceof Error && 'code' in error ? error.code : error})`);
    return null;
  }
  try {
    return parse(pem);
  } catch (error) {
    bad(`${file} does not hold ${what} (${error instanceof Error ? error.message : error})`);
    return null;
  }
}

function readPublicUrl(env: Env, tls: TlsSettings, bad: Bad): string | null {
  const text = env.COUNTERSIGN_URL;
  if (text === undefined) return null;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    bad('COUNTERSIGN_URL', `"${text}" is no http or https address`);
    return null;
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    bad('COUNTERSIGN_URL', `"${text}" must be scheme, host and port only: Countersign owns the whole origin`);
  if (url.protocol === 'https:' && tls.mode === 'off')
    bad(
      'COUNTERSIGN_URL',
      'says https, but nothing speaks TLS: set COUNTERSIGN_BEHIND_PROXY=1, or COUNTERSIGN_TLS_CERT and COUNTERSIGN_TLS_KEY',
    );
  if (url.protocol === 'http:' && tls.mode !== 'off')
    bad('COUNTERSIGN_URL', 'says http, but Countersign is reached by TLS here: write https');
  return url.origin;
}

function readTelegram(env: Env, bad: Bad): Config['telegram'] {
  const apiRoot = env.TELEGRAM_API_ROOT ?? 'https://api.telegram.org';
  const url = URL.parse(apiRoot);
  if (url === null || !/^https?:$/.test(url.protocol))
    bad('TELEGRAM_API_ROOT', `"${apiRoot}" is no http or https address`);
  const token = env.TELEGRAM_BOT_TOKEN;
  if (token === undefined) return null;
  if (!/^\d{1,20}:[A-Za-z0-9_-]{3,100}$/.test(token))
    bad('TELEGRAM_BOT_TOKEN', 'is no bot token: @BotFather gives one of the form 123456789:AAE…');
  return { token, apiRoot: apiRoot.replace(/\/+$/, '') };
}
