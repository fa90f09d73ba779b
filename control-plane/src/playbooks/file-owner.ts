/** Whose a playbook file is on this machine. */
import { readFile } from 'node:fs/promises';

export interface PlaybookFileFacts {
  readonly path: string;
  readonly builtIn: boolean;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
  readonly bytes: number;
  readonly uid: number;
  /** The file or the folder that it lies in, when anybody may write there; else `null`. */
  readonly openToAll: string | null;
}

/** The name of a user of this machine, or `uid 1000` where it has none. Source: passwd(5). */
export async function ownerName(uid: number): Promise<string> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const line = text.split('\n').find((it) => it.split(':')[2] === String(uid));
  return line?.split(':')[0] || `uid ${uid}`;
}
