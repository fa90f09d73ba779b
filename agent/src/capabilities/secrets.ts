/** The values behind references, read from where the server's owner keeps them, at the moment they are needed. */
import { fault, fillSecrets, secretNamesIn } from '@countersign/protocol';
import { parseEnvFile } from '../host/env-file.ts';
import { readOwnFile } from '../host/own-files.ts';
import type { ObserveContext } from './capability.ts';

/** Where a secret is kept: a whole file, or the value of one name in a file of `NAME=value` lines. */
export interface SecretSource {
  readonly file: string;
  readonly key?: string | undefined;
}

const FILE_BYTES_MAX = 256 * 1024;
/** Shorter values could not be blacked out without hiding half of every text. */
export const SECRET_LENGTH_MIN = 6;

/** The value of a source; `null` when there is none. Throws the system's error for a file that cannot be read. */
export function readSecret({ file, key }: SecretSource): string | null {
  const found = readOwnFile(file, FILE_BYTES_MAX);
  if (found === null) return null;
  const text = found.bytes.toString('utf8');
  if (key === undefined) return text.replace(/\r?\n$/, '');
  return parseEnvFile(text).findLast(({ name }) => name === key)?.value ?? null;
}

/** A text with its secrets filled in; each value is blacked out from here on. Throws `secret_unknown`, `precondition_failed`. */
export function withSecrets(text: string, context: ObserveContext): string {
  return fillSecrets(text, (name) => secretNamed(name, context));
}

/** Throws as {@link withSecrets} unless every secret of a text can be had now. */
export function requireSecrets(text: string, context: ObserveContext): void {
  for (const name of secretNamesIn(text)) secretNamed(name, context);
}

function secretNamed(name: string, context: ObserveContext): string {
  const { secrets = {} } = context.localPolicy;
  const source = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  if (source === undefined) throw fault('secret_unknown', { name });
  const value = readable(source);
  if (value === null) throw unusable(name, 'has no value on the server');
  if (value.length < SECRET_LENGTH_MIN)
    throw unusable(name, `has fewer than ${SECRET_LENGTH_MIN} characters, so it could not be blacked out`);
  context.blackOut?.(value);
  return value;
}

const unusable = (name: string, why: string) => fault('precondition_failed', { reason: `secret ${name} ${why}` });

function readable(source: SecretSource): string | null {
  try {
    return readSecret(source);
  } catch (error) {
    if (error instanceof Error) return null; // no regular file, too large, or not to be read
    throw error;
  }
}
