/**
 * Files that hold an approver's key on the person's own machine: PKCS#8 as `countersign key create` writes it, and those of
 * OpenSSH. Source: RFC 5958 (PKCS#8), RFC 8018 (PBES2 with PBKDF2 and AES-256-CBC, which node:crypto makes).
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { privateKeyFrom, publicKeyOf, type SigningKey, seedOf } from '@countersign/protocol/signing';
import { UsageError } from '../exit-codes.ts';
import { readKeyText } from './key-text.ts';
import { isOpensshFile, readOpensshFile } from './openssh-file.ts';

/** Writes a key as PEM into a new file of mode 0600, and its public half beside it as `FILE.pub`. Never overwrites. */
export async function writeKeyFile(file: string, { seed, publicKey }: SigningKey, passphrase: string | null) {
  const secrecy = passphrase === null ? {} : { cipher: 'aes-256-cbc', passphrase };
  await writeNew(file, String(privateKeyFrom(seed).export({ format: 'pem', type: 'pkcs8', ...secrecy })), 0o600);
  await writeNew(`${file}.pub`, `${publicKey}\n`, 0o644);
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new UsageError(`${file} is there already.`, 'Name another file: --out FILE');
    throw unreadable(file, error);
  });
  try {
    await handle.writeFile(text);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Opens a private key. `passphrase` is asked for only when the file is encrypted. Throws {@link UsageError}. */
export async function openKeyFile(file: string, passphrase: () => Promise<string>): Promise<SigningKey> {
  const text = await readPrivate(file);
  if (isOpensshFile(text)) {
    const { publicKey, seed } = readOpensshFile(text, file);
    if (seed === null)
      throw new UsageError(
        `${file} is encrypted by OpenSSH.`,
        `Give it to your ssh-agent (ssh-add ${file}) and use --ssh-agent.`,
      );
    return checked(seed, publicKey, file);
  }
  const encrypted = text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----');
  const seed = ed25519SeedOf(parsePem(text, file, encrypted ? await passphrase() : undefined), file);
  return { seed, publicKey: publicKeyOf(seed) };
}

/** The public key that a file holds or belongs to: a public key file, or a private one whose public half can be seen. */
export async function publicKeyIn(file: string): Promise<string> {
  const text = await readText(file);
  const named = readKeyText(text);
  if (named !== null) return named;
  if (isOpensshFile(text)) return readOpensshFile(text, file).publicKey;
  if (!text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----'))
    return publicKeyOf(ed25519SeedOf(parsePem(text, file), file));
  const beside = readKeyText(await readText(`${file}.pub`).catch(() => ''));
  if (beside !== null) return beside;
  throw new UsageError(
    `${file} is encrypted, and ${file}.pub does not hold its public key.`,
    'Write the public key itself: ed25519:…, as `countersign key show FILE` prints it.',
  );
}

/** Reads a file that only its owner may read. */
async function readPrivate(file: string): Promise<string> {
  const text = await readText(file);
  if (readKeyText(text) !== null)
    throw new UsageError(`${file} holds a public key; signing needs the private one.`, 'Name the file without .pub.');
  if (((await stat(file)).mode & 0o077) !== 0)
    throw new UsageError(`Others can read ${file}.`, `Keep it to yourself first: chmod 600 ${file}`);
  return text;
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error);
  });
}

const unreadable = (file: string, { code }: NodeJS.ErrnoException) =>
  code === 'ENOENT'
    ? new UsageError(`There is no file ${file}.`, 'Make a key: countersign key create --out FILE')
    : new UsageError(`${file} cannot be used (${code}).`, 'Name another file.');

function parsePem(text: string, file: string, passphrase?: string): KeyObject {
  try {
    return createPrivateKey({ key: text, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw passphrase === undefined
      ? new UsageError(`${file} holds no private key.`, 'Make one: countersign key create --out FILE')
      : new UsageError(`${file} does not open with this passphrase.`, 'Type the passphrase of the file again.');
  }
}

function ed25519SeedOf(key: KeyObject, file: string): string {
  if (key.asymmetricKeyType !== 'ed25519')
    throw new UsageError(`${file} holds a key of another kind.`, 'Make an Ed25519 key: countersign key create');
  return seedOf(key);
}

function checked(seed: string, publicKey: string, file: string): SigningKey {
  if (publicKeyOf(seed) !== publicKey)
    throw new UsageError(`${file} is damaged: its halves do not belong together.`, 'Name another key file.');
  return { seed, publicKey };
}
