/** The file in which the command line keeps its session: mode 0600, in the data folder or where COUNTERSIGN_CONFIG says. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../config/secrets.ts';
import { UsageError } from './exit-codes.ts';

const sessionSchema = z.object({
  /** Where the control plane is; null means the one of the data folder, wherever it listens. */
  url: z.string().nullable(),
  /** Public key to trust; null where a certificate authority vouches for the certificate. */
  pin: z.string().nullable(),
  email: z.string(),
  session: z.string(),
});
export type StoredSession = z.infer<typeof sessionSchema>;

/** The stored session, or null. Throws {@link UsageError} when the file holds something else. */
export async function readSession(file: string): Promise<StoredSession | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed = sessionSchema.safeParse(parsedJson(text));
  if (!parsed.success)
    throw new UsageError(`${file} does not hold a session.`, 'Remove it and run `countersign login`.');
  return parsed.data;
}

export async function writeSession(file: string, session: StoredSession): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(file, JSON.stringify(session));
}

export async function forgetSession(file: string): Promise<void> {
  await rm(file, { force: true });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
