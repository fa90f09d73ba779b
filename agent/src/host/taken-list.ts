/**
 * Lists of files that a step takes out of a folder: written down before they go, so that they can be put back, also after a crash.
 * A line of JSON each; the first names the folder, the last tells that the step came to its end.
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppendFile, isMissing, makeOwnFolder, readOwnFile } from './own-files.ts';

/** `at`: when it was begun, milliseconds since 1970. */
const headSchema = z.object({ root: z.string(), at: z.number() });
const endSchema = z.object({ done: z.literal(true), files: z.int(), bytes: z.number() });
const lineSchema = z.record(z.string(), z.unknown());

type Head = z.infer<typeof headSchema>;
/** How many files went, and what room that gave. */
type End = Omit<z.infer<typeof endSchema>, 'done'>;

const ENDING = '.ndjson';

/** All lists of one kind in the runner's folder. */
export class TakenLists<T extends object> {
  readonly #kind: string;
  readonly #fileSchema: z.ZodType<T>;
  readonly #maxBytes: number;

  /** `kind` is the folder in which they lie; `fileSchema` has no keys of the first line, nor of the last. */
  constructor(kind: string, fileSchema: z.ZodType<T>, maxBytes: number) {
    this.#kind = kind;
    this.#fileSchema = fileSchema;
    this.#maxBytes = maxBytes;
  }

  /** Begins a list, or goes on with it. Close it. */
  begin(stateDir: string, name: string, head: Head): OpenList<T> {
    makeOwnFolder(join(stateDir, this.#kind));
    const file = AppendFile.open(this.#path(stateDir, name));
    try {
      return new OpenList(file, head);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** What a list holds; nothing when there is none. `end` is null when the step did not come to its end. */
  read(stateDir: string, name: string): { readonly head: Head | null; readonly taken: T[]; readonly end: End | null } {
    const file = readOwnFile(this.#path(stateDir, name), this.#maxBytes);
    let head: Head | null = null;
    let end: End | null = null;
    const taken: T[] = [];
    // A crash may have left half a line at the end.
    for (const line of (file?.bytes.toString('utf8') ?? '').split('\n').slice(0, -1)) {
      const parsed = lineSchema.parse(JSON.parse(line));
      if ('root' in parsed) head = headSchema.parse(parsed);
      else if ('done' in parsed) end = endSchema.parse(parsed);
      else taken.push(this.#fileSchema.parse(parsed));
    }
    return { head, taken, end };
  }

  /** The lists that there are. */
  names(stateDir: string): string[] {
    try {
      const names = readdirSync(join(stateDir, this.#kind));
      return names.filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** When one was written to last, milliseconds since 1970. */
  changedAt(stateDir: string, name: string): number {
    return lstatSync(this.#path(stateDir, name)).mtimeMs;
  }

  forget(stateDir: string, name: string): void {
    rmSync(this.#path(stateDir, name), { force: true });
  }

  #path(stateDir: string, name: string): string {
    return join(stateDir, this.#kind, `${name}${ENDING}`);
  }
}

/** A list that is written to. */
export class OpenList<T> implements Disposable {
  readonly #file: AppendFile;

  constructor(file: AppendFile, head: Head) {
    this.#file = file;
    this.#append([head], true);
  }

  /** In bytes. */
  get size(): number {
    return this.#file.size;
  }

  add(taken: readonly T[], { sync }: { readonly sync: boolean }): void {
    this.#append(taken, sync);
  }

  end({ files, bytes }: End): void {
    this.#append([{ done: true, files, bytes }], true);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #append(lines: readonly unknown[], sync: boolean): void {
    this.#file.append(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { sync });
  }
}
