/** What the link says of itself to people at the server: one small file, written when its state changes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { isMissing, replaceOwnFile } from '../host/own-files.ts';
import { parseStat } from '../host/processes.ts';
import type { statusSchema } from './kept.ts';

export type LinkStatus = Omit<z.infer<typeof statusSchema>, 'pid' | 'startedTicks'>;

/** Not durable: it speaks of this process, which no crash of the machine outlives. */
export function writeStatus(stateDir: string, status: LinkStatus): void {
  const self = { pid: process.pid, startedTicks: startOf(process.pid) ?? 0 };
  replaceOwnFile(join(stateDir, 'status.json'), `${JSON.stringify({ ...self, ...status })}\n`, 0o600, {
    durable: false,
  });
}

/** When a process started, ticks since the boot; `null` when it is gone. */
export function startOf(pid: number): number | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), 1)?.startedTicks ?? null;
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'ESRCH')) return null;
    throw error;
  }
}
