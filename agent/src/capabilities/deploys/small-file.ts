import { readOwnFile } from '../../host/own-files.ts';

const BYTES_MAX = 1024 * 1024;

/** A small text file in a folder that an app may write: never through a link, never a pipe that would keep us waiting. */
export function readSmallFile(path: string): string | null {
  try {
    return readOwnFile(path, BYTES_MAX)?.bytes.toString('utf8') ?? null;
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  }
}
