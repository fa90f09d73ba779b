/** Files that hold one JSON value, as commands write and read them. */
import { open, readFile } from 'node:fs/promises';
import { problemsOf } from '@countersign/protocol';
import type { z } from 'zod';
import { UsageError } from './exit-codes.ts';

/** Reads and checks a value. Throws {@link UsageError} in words: `what` names what should be there. */
export async function readJsonFile<T extends z.ZodType>(file: string, schema: T, what: string): Promise<z.output<T>> {
  const text = await readTextFile(file);
  const parsed = schema.safeParse(parseJson(text, file, what));
  if (!parsed.success)
    throw new UsageError(`${file} does not hold ${what}: ${problemsOf(parsed.error)}.`, 'Name another file.');
  return parsed.data;
}

/** The text of a file that a person named. */
export async function readTextFile(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new UsageError(`There is no file ${file}.`, 'Name one that is there.')
      : new UsageError(`${file} cannot be read (${error.code}).`, 'Name another file.');
  });
}

/** Writes a value. An older file stays as it is unless `overwrite` is set: then {@link UsageError} is not thrown. */
export async function writeJsonFile(file: string, value: unknown, { overwrite = false } = {}): Promise<void> {
  const handle = await open(file, overwrite ? 'w' : 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? new UsageError(`${file} is there already.`, 'Name another file: --out FILE')
      : new UsageError(`${file} cannot be written (${error.code}).`, 'Name another file: --out FILE');
  });
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function parseJson(text: string, file: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(`${file} does not hold ${what}: it is no JSON.`, 'Name another file.');
  }
}
