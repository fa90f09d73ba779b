/** `<data>/control-plane.json`: where the control plane of a data folder listens now, for the command line of the same machine. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../config/secrets.ts';

const runningSchema = z.object({
  pid: z.int().positive(),
  /** Where this machine reaches it. */
  url: z.string(),
  publicUrl: z.string(),
  pin: z.string().nullable(),
});
export type Running = z.infer<typeof runningSchema>;

const file = (dataDir: string) => join(dataDir, 'control-plane.json');

export async function writeRunning(dataDir: string, running: Running): Promise<void> {
  await writeWhole(file(dataDir), JSON.stringify(running));
}

/** What was written last; null when nothing was, or the process that wrote it is gone. */
export async function readRunning(dataDir: string): Promise<Running | null> {
  let text: string;
  try {
    text = await readFile(file(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const running = runningSchema.parse(JSON.parse(text));
  return isAlive(running.pid) ? running : null;
}

/** Takes the file away, if it is still the one of this process. */
export async function forgetRunning(dataDir: string, pid: number): Promise<void> {
  if ((await readRunning(dataDir))?.pid === pid) await rm(file(dataDir), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
