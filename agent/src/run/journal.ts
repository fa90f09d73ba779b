/**
 * The runner's journal: what it was about to do and what came of it, one line of canonical JSON each, every line holding the
 * hash of the one before. It is what makes a second dispatch harmless and a crash explainable. Appended only; intents are on disk
 * before anything is done, results before anybody hears of them. Actions that wait for the disk at once share a sync. One process
 * writes it (see `claim.ts`).
 * Source: design.md, section 6; threats T3, T11, F3 to F6, F10.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, fault } from '@countersign/protocol';
import { journalFailPoint } from '../fail-points.ts';
import { AppendFile, halfOf, makeOwnFolder, readOwnFile, replaceOwnFile, syncFolder } from '../host/own-files.ts';
import { JournalChain } from './journal-chain.ts';
import type { JournalEntry } from './journal-entries.ts';
import { type ActionRecord, isOpen, unkept, usedOf } from './journal-index.ts';

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
  #chain = new JournalChain();
  /** Why the disk cannot be used. */
  #unusable: string | null = null;

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
      journal.#unusable = error.message;
      return journal;
    }
  }

  static #open(folder: string, clock: Clock, rotateBytes: number): Journal {
    makeOwnFolder(folder);
    finishRotation(folder);
    const file = AppendFile.open(join(folder, FILE));
    const journal = Journal.#load(file, folder, clock);
    if (journal.broken !== null || file.size <= rotateBytes) return journal;
    if (journal.all().some((record) => isOpen(record) || unkept(record).length > 0)) return journal;
    return journal.#rotate(folder);
  }

  static #load(file: AppendFile, folder: string, clock: Clock): Journal {
    const journal = new Journal(file, folder, clock);
    const torn = journal.#chain.read(file.read());
    if (torn > 0 && journal.broken === null) journal.#repair(file, torn);
    return journal;
  }

  /** Hash of the last line. */
  get head(): string {
    return this.#chain.head;
  }

  /** How many lines were ever written, those of files that were put aside with them. */
  get lines(): number {
    return this.#chain.lines;
  }

  /** Why nothing can be written any more, or `null`. */
  get broken(): string | null {
    return this.#unusable ?? this.#chain.broken;
  }

  /** Whether a line does not verify, so that no later runner can write it either before its owner has looked. */
  get damaged(): boolean {
    return this.#chain.broken !== null;
  }

  /** What is known of an action, or `undefined` when it was never seen here. */
  find(actionId: string): ActionRecord | undefined {
    return this.#chain.find(actionId);
  }

  /** Every action that is remembered, oldest first. */
  all(): ActionRecord[] {
    return this.#chain.all();
  }

  /**
   * Adds an entry, on disk when the call returns unless it says `sync: false`. Throws the fault `journal_unwritable`, and
   * then nothing was added. An intent is refused already when there would be no room for its end.
   */
  append(entry: JournalEntry, options: { readonly sync: boolean } = { sync: true }): void {
    if (this.broken !== null) throw fault('journal_unwritable', { reason: this.broken });
    const failed = this.#put(entry, options);
    if (failed !== null) throw fault('journal_unwritable', { reason: failed.message }, failed);
  }

  /**
   * Resolves when everything that was added before the call is on disk; those who wait at the same time share a sync. Rejects with the
   * fault `journal_unwritable`: then what was added since the last sync counts as never written, and nothing more can be.
   */
  async durable(): Promise<void> {
    if (this.broken !== null || this.#file === null) throw fault('journal_unwritable', { reason: this.broken ?? '' });
    const { size } = this.#file;
    try {
      await this.#file.synced();
    } catch (error) {
      this.#lose(error as Error);
      throw fault('journal_unwritable', { reason: (error as Error).message }, error);
    }
    // A sync that failed for another took these lines back too, and then there was nothing left to sync.
    if (this.#file.durable < size) throw fault('journal_unwritable', { reason: this.broken ?? 'it is closed' });
  }

  /** How much of its file is written, bytes: where what was added last ends. */
  get end(): number {
    return this.#file?.size ?? 0;
  }

  /**
   * Makes what was written up to `end` durable at once, as far as the disk lets us: for who is about to tell what the journal holds.
   * Everything unless told.
   */
  settle(end = this.end): void {
    if (this.broken !== null || (this.#file?.durable ?? 0) >= end) return;
    try {
      this.#file?.sync();
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  /** The disk did not take what was written: nobody can say what of it is there, so it is taken back, here and in memory. */
  #lose(error: Error): void {
    if (this.#unusable !== null || this.#file === null) return;
    this.#unusable = error.message;
    try {
      try {
        this.#file.takeBack();
      } finally {
        // Where the disk does not let it be cut off, it counts for nothing all the same.
        const chain = new JournalChain();
        chain.read(this.#file.read());
        this.#chain = chain;
      }
    } catch (failed) {
      this.#unusable = (failed as Error).message;
    }
  }

  /** Returns the system's error when the entry could not be written. */
  #put(entry: JournalEntry, options: { readonly sync: boolean }): Error | null {
    const line = this.#chain.next(entry, this.#clock.now());
    try {
      if (entry.kind === 'intent') this.#setAside();
      journalFailPoint(entry.kind, 'before', () => this.#file?.append(halfOf(line.text), options));
      this.#write(line.text, options);
    } catch (error) {
      return error as Error;
    }
    line.commit();
    journalFailPoint(entry.kind, 'after');
    return null;
  }

  close(): void {
    this.#file?.close();
  }

  #write(line: string, options: { readonly sync: boolean }): void {
    try {
      this.#append(line, options);
    } catch (error) {
      if (this.#unusable !== null || !isFull(error) || !existsSync(this.#reserve)) throw error;
      rmSync(this.#reserve);
      this.#append(line, options);
    }
  }

  /** A sync that fails is told once: the next one succeeds, whatever became of lines that waited for it. Source: fsync(2), ERRORS. */
  #append(line: string, options: { readonly sync: boolean }): void {
    try {
      this.#file?.append(line, options);
    } catch (error) {
      const { syscall = '' } = error as NodeJS.ErrnoException;
      if (['fdatasync', 'ftruncate'].includes(syscall) && this.#file?.isDurable === false) this.#lose(error as Error);
      throw error;
    }
  }

  #setAside(): void {
    if (existsSync(this.#reserve)) return;
    replaceOwnFile(this.#reserve, Buffer.alloc(RESERVE_BYTES, 1), 0o600);
  }

  #repair(file: AppendFile, torn: number): void {
    file.truncate(file.size - torn);
    if (this.#chain.lines === 0) return;
    // On a full disk the repair itself is done, only the note of it is missing.
    this.#put({ kind: 'repaired', bytes: torn }, { sync: true });
  }

  #rotate(folder: string): Journal {
    const used = this.all().slice(-USED_IDS_KEPT).map(usedOf);
    const first = this.#chain.next({ kind: 'continued', used }, this.#clock.now()).text;
    replaceOwnFile(join(folder, NEXT_FILE), first, 0o600);
    this.close();
    renameSync(join(folder, FILE), join(folder, `journal-${String(this.lines).padStart(12, '0')}.ndjson`));
    finishRotation(folder);
    return Journal.#load(AppendFile.open(join(folder, FILE)), folder, this.#clock);
  }
}

const READ_BYTES_MAX = 512 * 1024 * 1024;
const FILE = 'journal.ndjson';
const NEXT_FILE = 'journal.next';

/**
 * The journal as it lies on disk, for who only looks: nothing is made, mended or written, so that a runner may be at work.
 * Throws the system's error when it may not be read.
 */
export function readJournal(folder: string): JournalChain {
  const chain = new JournalChain();
  const file = readOwnFile(join(folder, FILE), READ_BYTES_MAX) ?? readOwnFile(join(folder, NEXT_FILE), READ_BYTES_MAX);
  chain.read(file?.bytes ?? Buffer.alloc(0));
  return chain;
}

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

function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
