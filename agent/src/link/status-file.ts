/** What the link says of itself to people at the server: one small file, written when its state changes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isMissing, readOwnFile, replaceOwnFile } from '../host/own-files.ts';
import { parseStat } from '../host/processes.ts';

const statusSchema = z.object({
  pid: z.int(),
  /** When that process started, ticks since the boot: tells it from a later one with the same id. */
  startedTicks: z.int(),
  at: z.int(),
  state: z.enum(['connecting', 'connected', 'waiting']),
  serverName: z.string().optional(),
  skewMs: z.number().optional(),
  why: z.string().optional(),
});
export type LinkStatus = Omit<z.infer<typeof statusSchema>, 'pid' | 'startedTicks'>;

const BYTES_MAX = 16 * 1024;

export function writeStatus(stateDir: string, status: LinkStatus): void {
  const self = { pid: process.pid, startedTicks: startOf(process.pid) ?? 0 };
  replaceOwnFile(join(stateDir, 'status.json'), `${JSON.stringify({ ...self, ...status })}\n`, 0o600);
}

/** How the link stands; `null` when it does not run. */
export function readStatus(stateDir: string): LinkStatus | null {
  const file = readOwnFile(join(stateDir, 'status.json'), BYTES_MAX);
  if (file === null) return null;
  const parsed = statusSchema.safeParse(JSON.parse(file.bytes.toString('utf8')));
  if (!parsed.success || startOf(parsed.data.pid) !== parsed.data.startedTicks) return null;
  return parsed.data;
}

function startOf(pid: number): number | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), 1)?.startedTicks ?? null;
  } catch (error) {
    if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'ESRCH')) return null;
    throw error;
  }
}
