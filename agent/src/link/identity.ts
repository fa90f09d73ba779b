/**
 * Who this server is: a key that is made here on first start and never leaves, and the name that the control plane gave it
 * when it was enrolled. Two files in the link's folder, mode 0600.
 */
import { join } from 'node:path';
import { shapeOf } from '@countersign/protocol/form';
import type { SigningKey } from '@countersign/protocol/signing';
import type { z } from 'zod';
import { identityForm } from '../ahead.ts';
import { replaceOwnFile } from '../host/own-files.ts';
import { ownKey, readOwnJson } from '../host/own-json.ts';
import { schemas } from '../late.ts';
import type { identitySchema } from './kept.ts';

const MEND = 'enrol this server again';

const identityShape = shapeOf(identityForm, () => schemas().identitySchema);

/** What the control plane calls this server. */
export type Identity = z.infer<typeof identitySchema>;

/** The link's key, made when there is none yet. Throws the system's error, or `RangeError` when the file is damaged. */
export function linkKey(stateDir: string): SigningKey {
  return ownKey(join(stateDir, 'key.json'), MEND);
}

/** Who this server is, or `null` before it was enrolled. */
export function readIdentity(stateDir: string): Identity | null {
  return readOwnJson(join(stateDir, 'identity.json'), identityShape, MEND);
}

export function writeIdentity(stateDir: string, identity: Identity): void {
  replaceOwnFile(join(stateDir, 'identity.json'), `${JSON.stringify(identity)}\n`, 0o600);
}
