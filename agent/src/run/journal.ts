/**
 * The runner's journal: what it was about to do and what came of it, one line of canonical JSON each, every line holding the
 * hash of the one before. It is what makes a second dispatch harmless and a crash explainable. Appended only; intents and
 * results are on disk before anything goes on. One process writes it (see `claim.ts`).
 * Source: design.md, section 6; threats T3, T11, F3 to F6, F10.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, canonicalJson, fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { AppendFile, makeOwnFolder, replaceOwnFile, syncFolder } from '../host/own-files.ts';
import { type JournalEntry, type JournalLine, journalLineSchema } from './journal-entries.ts';
import { type ActionRecord, isOpen, note, unkept } from './journal-index.ts';

/** The hash before the first line. */
export const NO_HEAD = '0'.repeat(64);

/** Beyond this size a journal in which nothing is open or unreported is put aside at the next start. */
const ROTATE_BYTES = 4 * 1024 * 1024;
const OLD_FILES_KEPT = 8;
const USED_IDS_KEPT = 20_000;
/** Space that is set aside before an action begins, so that it can write its end when the disk fills up meanwhile. */
const RESERVE_BYTES = 256 * 1024;

export class Journal {
  readonly #file: AppendFile | null;
  readonly #clock: Clock;
  readonly #reserve: string;
  readonly #known = new Map<string, ActionRecord>();
  #lines = 0;
  #head = NO_HEAD;
  #broken: string | null = null;

  private constructor(file: AppendFile | null, folder: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#reserve = join(folder, 'journal.reserve');
  }

  /**
   * Opens the journal in a folder, making both where they are missing. A last line that a crash cut off is removed. When
   * any other line does not verify, or the disk cannot be written at all, the journal is `broken`: it can be read as far as
   * it goes, and nothing more is written. Never throws for that, since reading the server goes on without a journal.
   */
  static open(folder: string, clock: Clock, rotateBytes = ROTATE_BYTES): Journal {
    try {
      return Journal.#open(folder, clock, rotateBytes);
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      const journal = new Journal(null, folder, clock);
      journal.#broken = error.message;
      return journal;
    }
  }

  static #open(folder: string, clock: Clock, rotateBytes: number): Journal {
    makeOwnFolder(folder);
    finishRotation(folder);
    const journal = Journal.#load(folder, clock);
    if (journal.#broken !== null || (journal.#file?.size ?? 0) <= rotateBytes) return journal;
    if ([...journal.#known.values()].some((record) => isOpen(record) || unkept(record).length > 0)) return journal;
    return journal.#rotate(folder);
  }

  static #load(folder: string, clock: Clock): Journal {
    const file = AppendFile.open(join(folder, FILE));
    const journal = new Journal(file, folder, clock);
    const bytes = file.read();
    const whole = bytes.lastIndexOf('\n') + 1;
    const lines = bytes.subarray(0, whole).toString('utf8').split('\n');
    for (const line of lines.slice(0, -1)) journal.#take(line);
    const torn = bytes.length - whole;
    if (torn > 0 && journal.#broken === null) journal.#repair(file, torn);
    return journal;
  }

  /** Hash of the last line. */
  get head(): string {
    return this.#head;
  }

  /** Why nothing can be written any more, or `null`. */
  get broken(): string | null {
    return this.#broken;
  }

  /** What is known of an action, or `undefined` when it was never seen here. */
  find(actionId: string): ActionRecord | undefined {
    return this.#known.get(actionId);
  }

  /** Every action that is remembered, oldest first. */
  all(): ActionRecord[] {
    return [...this.#known.values()];
  }

  /**
   * Adds an entry, on disk when the call returns unless it says `sync: false`. Throws the fault `journal_unwritable`, and
   * then nothing was added. An intent is refused already when there would be no room for its end.
   */
  append(entry: JournalEntry, options: { readonly sync: boolean } = { sync: true }): void {
    if (this.#broken !== null) throw fault('journal_unwritable', { reason: this.#broken });
    const at = this.#clock.now();
    const body = { n: this.#lines, at, previous: this.#head, entry };
    const hash = sha256(canonicalJson(body));
    const line = `${canonicalJson({ ...body, hash })}\n`;
    try {
      if (entry.kind === 'intent') this.#setAside();
      this.#write(line, options);
    } catch (error) {
      throw fault('journal_unwritable', { reason: error instanceof Error ? error.message : String(error) }, error);
    }
    this.#lines += 1;
    this.#head = hash;
    note(this.#known, entry, at);
  }

  close(): void {
    this.#file?.close();
  }

  #write(line: string, options: { readonly sync: boolean }): void {
    try {
      this.#file?.append(line, options);
    } catch (error) {
      if (!isFull(error) || !existsSync(this.#reserve)) throw error;
      rmSync(this.#reserve);
      this.#file?.append(line, options);
    }
  }

  #setAside(): void {
    if (existsSync(this.#reserve)) return;
    replaceOwnFile(this.#reserve, Buffer.alloc(RESERVE_BYTES, 1), 0o600);
  }

  #take(text: string): void {
    if (this.#broken !== null) return;
    const line = readLine(text);
    if (line?.entry.kind === 'continued' && this.#lines === 0) this.#continueFrom(line);
    if (line === null || line.n !== this.#lines || line.previous !== this.#head) {
      this.#broken = `line ${this.#lines + 1} of the journal does not verify`;
      return;
    }
    this.#lines += 1;
    this.#head = line.hash;
    note(this.#known, line.entry, line.at);
  }

  #continueFrom(line: JournalLine): void {
    this.#lines = line.n;
    this.#head = line.previous;
  }

  #repair(file: AppendFile, torn: number): void {
    file.truncate(file.size - torn);
    if (this.#lines === 0) return;
    try {
      this.append({ kind: 'repaired', bytes: torn });
    } catch (error) {
      // A full disk: the repair itself is done, only the note of it is missing.
      if (!isFull(error instanceof Error ? error.cause : error)) throw error;
    }
  }

  #rotate(folder: string): Journal {
    const used = [...this.#known.values()]
      .slice(-USED_IDS_KEPT)
      .map(({ actionId, digest }) => [actionId, digest] as [string, string]);
    const body = {
      n: this.#lines,
      at: this.#clock.now(),
      previous: this.#head,
      entry: { kind: 'continued', used } satisfies JournalEntry,
    };
    const first = `${canonicalJson({ ...body, hash: sha256(canonicalJson(body)) })}\n`;
    replaceOwnFile(join(folder, NEXT_FILE), first, 0o600);
    this.close();
    renameSync(join(folder, FILE), join(folder, `journal-${String(this.#lines).padStart(12, '0')}.ndjson`));
    finishRotation(folder);
    return Journal.#load(folder, this.#clock);
  }
}

const FILE = 'journal.ndjson';
const NEXT_FILE = 'journal.next';

/** A rotation is: write the next file, move the old one aside, move the next one in. This does the last step after a crash too. */
function finishRotation(folder: string): void {
  const next = join(folder, NEXT_FILE);
  if (!existsSync(next)) return;
  if (existsSync(join(folder, FILE))) rmSync(next);
  else renameSync(next, join(folder, FILE));
  const old = readdirSync(folder).filter((name) => /^journal-\d{12}\.ndjson$/.test(name));
  for (const name of old.sort().slice(0, -OLD_FILES_KEPT)) rmSync(join(folder, name));
  syncFolder(folder);
}

/** Parses and verifies one line by itself; `null` when it is not what was written. */
function readLine(text: string): JournalLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const parsed = journalLineSchema.safeParse(value);
  if (!parsed.success) return null;
  const { hash, ...body } = value as Record<string, unknown>;
  return sha256(canonicalJson(body)) === hash ? parsed.data : null;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
