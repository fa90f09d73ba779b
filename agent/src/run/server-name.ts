/**
 * Which server the runner acts for. It is learned once, from the link's identity when the server was just enrolled, and then
 * kept in the runner's own folder: a link that was taken over later cannot talk it into another server's grants.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { idSchema } from '@countersign/protocol';
import { z } from 'zod';
import { isRefused, makeOwnFolder, replaceOwnFile } from '../host/own-files.ts';
import { readOwnJson } from '../host/own-json.ts';

const schema = z.object({ serverId: idSchema('srv'), serverName: z.string().max(100) });

export type ServerName = z.infer<typeof schema>;

/** The server's id and name; `null` when it was never enrolled. Throws `RangeError` for a damaged file. */
export function serverName(runnerFolder: string, linkFolder: string): ServerName | null {
  const own = join(runnerFolder, 'server.json');
  const known = readOwnJson(own, schema);
  if (known !== null) return known;
  const learned = readOwnJson(join(linkFolder, 'identity.json'), schema);
  if (learned === null) return null;
  makeOwnFolder(runnerFolder);
  replaceOwnFile(own, `${JSON.stringify(learned)}\n`, 0o600);
  return learned;
}

/** Has the runner learn the name anew, after an enrolment. Where the folder is root's alone, whoever installs does this. */
export function forgetServerName(runnerFolder: string): void {
  try {
    rmSync(join(runnerFolder, 'server.json'), { force: true });
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
}
