/** Reads what the link says of itself, for the verbs at the server. */
import { join } from 'node:path';
import { readOwnFile } from '../host/own-files.ts';
import { parsedJson } from '../host/parsed-json.ts';
import { statusSchema } from './kept.ts';
import { type LinkStatus, startOf } from './status-file.ts';

const BYTES_MAX = 16 * 1024;

/** How the link stands; `null` when it does not run. */
export function readStatus(stateDir: string): LinkStatus | null {
  const file = readOwnFile(join(stateDir, 'status.json'), BYTES_MAX);
  if (file === null) return null;
  // A crash of the machine may have left half of it.
  const parsed = statusSchema.safeParse(parsedJson(file.bytes.toString('utf8')));
  if (!parsed.success || startOf(parsed.data.pid) !== parsed.data.startedTicks) return null;
  return parsed.data;
}
