/**
 * The secrets of a control plane: files of mode 0600 in `<data>/keys`, made on first start. They live outside the database,
 * so that a stolen copy of it opens nothing (T24). Whoever makes a backup keeps this folder apart from it.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Ids } from '@countersign/protocol';
import { makeSigningKey, publicKeyOf, type SigningKey } from '@countersign/protocol/signing';
import type { Config } from './config.ts';
import { certificateHosts, isSelfSigned, makeCertificate, makeTlsKey, pinOf, stillFits } from './own-certificate.ts';

export interface TlsMaterial {
  /** Certificate chain, PEM. */
  readonly cert: string;
  /** Private key, PEM. */
  readonly key: string;
  /** `sha256//…` for clients that must pin the key; null when a certificate authority vouches for the certificate. */
  readonly pin: string | null;
  /** The same for this machine, which reaches us under an address that no certificate authority vouches for. */
  readonly localPin: string;
}

export interface Secrets {
  /** Proves the control plane to agents, and signs grants and audit checkpoints. */
  readonly controlPlaneKey: SigningKey;
  /** 32 bytes: seals what the database must hold but not show (`access/seal.ts`). */
  readonly sealKey: Buffer;
  /** Null when we do not speak TLS ourselves. */
  readonly tls: TlsMaterial | null;
}

/** Loads the secrets, making those that are missing. Rejects when a file is there but does not hold what it should. */
export async function loadSecrets(config: Config, deps: { clock: Clock; ids: Ids }): Promise<Secrets> {
  const folder = join(config.dataDir, 'keys');
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const seed = await keep(join(folder, 'control-plane.key'), async () => makeSigningKey().seed);
  const seal = await keep(join(folder, 'seal.key'), async () => deps.ids.secret(''));
  return {
    controlPlaneKey: { seed: checked(seed, 'control-plane.key'), publicKey: publicKeyOf(seed) },
    sealKey: Buffer.from(checked(seal, 'seal.key'), 'base64url'),
    tls: await loadTls(config, folder, deps.clock),
  };
}

async function loadTls(config: Config, folder: string, clock: Clock): Promise<TlsMaterial | null> {
  const { tls } = config;
  if (tls.mode === 'off' || tls.mode === 'proxy') return null;
  if (tls.mode === 'given') {
    const cert = await readFile(tls.certFile, 'utf8');
    const localPin = await pinOf(cert);
    return { cert, key: await readFile(tls.keyFile, 'utf8'), pin: isSelfSigned(cert) ? localPin : null, localPin };
  }
  const key = await keep(join(folder, 'tls.key'), makeTlsKey);
  const hosts = certificateHosts(config.publicUrl, config.host);
  const certFile = join(folder, 'tls.crt');
  let cert = await keep(certFile, () => makeCertificate(key, hosts, clock.now()));
  if (!stillFits(cert, key, hosts, clock.now())) {
    cert = await makeCertificate(key, hosts, clock.now());
    await writeWhole(certFile, cert);
  }
  const pin = await pinOf(cert);
  return { cert, key, pin, localPin: pin };
}

/** 32 bytes in base64url. A damaged file must not be replaced in silence: agents and sealed values depend on it. */
function checked(text: string, name: string): string {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) throw new Error(`keys/${name} is damaged: restore it from a backup`);
  return text;
}

/** The content of a file, which is made when it is not there. */
async function keep(file: string, make: () => Promise<string>): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const text = (await make()).trim();
  await writeWhole(file, text);
  return text;
}

/** Writes a file of mode 0600 so that it is there whole or not at all, also after a crash. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}
