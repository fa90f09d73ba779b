/**
 * One runner at a time for a state folder, so that one process alone writes its journal. The claim is a lock on a file of that
 * folder: the kernel lets go of it when its holder dies, however it dies. No socket, since the runner has a network namespace of
 * its own and the process of the dead-man timer has not, and abstract sockets differ by namespace. Source: fcntl(2), by SQLite.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, delay } from '@countersign/protocol';
import { makeOwnFolder } from '../host/own-files.ts';

const RETRY_MS = 200;
const SQLITE_BUSY = 5;

/** Ends with its process, or when it is closed. Who holds it must keep it: what nobody refers to is let go of. */
export interface Claim {
  close(): void;
}

/**
 * Waits until the folder is ours alone. A folder that cannot be written needs no claim: nobody can write a journal there.
 * Rejects when `signal` is aborted.
 */
export async function claim(folder: string, clock: Clock, signal: AbortSignal): Promise<Claim> {
  makeOwnFolder(folder);
  for (;;) {
    const held = tryToHold(folder);
    if (held !== null) return held;
    await delay(clock, RETRY_MS, signal);
  }
}

function tryToHold(folder: string): Claim | null {
  let file: DatabaseSync | null = null;
  try {
    file = new DatabaseSync(join(folder, 'claim'), { timeout: 0 });
    file.exec('begin exclusive');
    return file;
  } catch (error) {
    file?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return null;
    if (!isWritable(folder)) return { close: () => undefined };
    throw error;
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
