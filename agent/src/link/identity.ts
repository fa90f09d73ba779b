/**
 * Who this server is: a key that is made here on first start and never leaves, and the name that the control plane gave it
 * when it was enrolled. Two files in the link's folder, mode 0600.
 */
import { join } from 'node:path';
import { idSchema, publicKeySchema } from '@countersign/protocol';
import { makeSigningKey, publicKeyOf, type SigningKey } from '@countersign/protocol/signing';
import { z } from 'zod';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../host/own-files.ts';

const FILE_BYTES_MAX = 16 * 1024;

const keySchema = z.strictObject({ publicKey: publicKeySchema, seed: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
const identitySchema = z.strictObject({
  serverId: idSchema('srv'),
  serverName: z.string().max(100),
  publicKey: publicKeySchema,
});

/** What the control plane calls this server. */
export type Identity = z.infer<typeof identitySchema>;

/** The link's key, made when there is none yet. Throws the system's error, or `RangeError` when the file is damaged. */
export function linkKey(stateDir: string): SigningKey {
  makeOwnFolder(stateDir);
  const path = join(stateDir, 'key.json');
  const known = read(path, keySchema);
  if (known !== null) {
    if (publicKeyOf(known.seed) !== known.publicKey)
      throw new RangeError(`${path} is damaged; enrol this server again`);
    return known;
  }
  const made = makeSigningKey();
  replaceOwnFile(path, `${JSON.stringify({ publicKey: made.publicKey, seed: made.seed })}\n`, 0o600);
  return made;
}

/** Who this server is, or `null` before it was enrolled. */
export function readIdentity(stateDir: string): Identity | null {
  return read(join(stateDir, 'identity.json'), identitySchema);
}

export function writeIdentity(stateDir: string, identity: Identity): void {
  replaceOwnFile(join(stateDir, 'identity.json'), `${JSON.stringify(identity)}\n`, 0o600);
}

function read<S extends z.ZodType>(path: string, schema: S): z.output<S> | null {
  const file = readOwnFile(path, FILE_BYTES_MAX);
  if (file === null) return null;
  try {
    return schema.parse(JSON.parse(file.bytes.toString('utf8')));
  } catch (error) {
    throw new RangeError(`${path} is damaged; enrol this server again`, { cause: error });
  }
}
