/** Small JSON files of our own, held to a shape (a schema is one), and the keys among them. */
import { dirname } from 'node:path';
import { type Shape, shapeOf } from '@countersign/protocol/form';
import { makeSigningKey, publicKeyOf, type SigningKey } from '@countersign/protocol/signing';
import { keyForm } from '../ahead.ts';
import { schemas } from '../late.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from './own-files.ts';

const FILE_BYTES_MAX = 16 * 1024;

const keyShape = shapeOf(keyForm, () => schemas().keySchema);

/** What a file holds; `null` when there is none. Throws the system's error, or `RangeError` with `mend` when it is damaged. */
export function readOwnJson<T>(path: string, shape: Shape<T>, mend = ''): T | null {
  const file = readOwnFile(path, FILE_BYTES_MAX);
  if (file === null) return null;
  try {
    return shape.parse(JSON.parse(file.bytes.toString('utf8')));
  } catch (error) {
    throw new RangeError(damaged(path, mend), { cause: error });
  }
}

/** The key in a file of mode 0600, made there when there is none yet. Throws as {@link readOwnJson} does. */
export function ownKey(path: string, mend: string): SigningKey {
  const known = readOwnJson(path, keyShape, mend);
  if (known !== null) {
    if (publicKeyOf(known.seed) !== known.publicKey) throw new RangeError(damaged(path, mend));
    return known;
  }
  makeOwnFolder(dirname(path));
  const { publicKey, seed } = makeSigningKey();
  replaceOwnFile(path, `${JSON.stringify({ publicKey, seed })}\n`, 0o600);
  return { publicKey, seed };
}

const damaged = (path: string, mend: string) => `${path} is damaged${mend === '' ? '' : `; ${mend}`}`;
