/** The lines of a journal, each tied to the one before by its hash, read or made one after the other. Pure. */
import { canonicalJson } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { parsedJson } from '../host/parsed-json.ts';
import { type JournalEntry, type JournalLine, journalLineSchema } from './journal-entries.ts';
import { type ActionRecord, note } from './journal-index.ts';

/** The hash before the first line. */
export const NO_HEAD = '0'.repeat(64);

/** A line that is ready to be written, and what makes it part of the chain once it is. */
export interface NextLine {
  readonly text: string;
  readonly commit: () => void;
}

export class JournalChain {
  readonly #known = new Map<string, ActionRecord>();
  #lines = 0;
  #head = NO_HEAD;
  #broken: string | null = null;

  /** How many lines there are, those of earlier files with them. */
  get lines(): number {
    return this.#lines;
  }

  /** Hash of the last line. */
  get head(): string {
    return this.#head;
  }

  /** Which line does not verify, in words; `null` when all do. Nothing after it counts. */
  get broken(): string | null {
    return this.#broken;
  }

  find(actionId: string): ActionRecord | undefined {
    return this.#known.get(actionId);
  }

  /** Every action that is remembered, oldest first. */
  all(): ActionRecord[] {
    return [...this.#known.values()];
  }

  /** Reads the whole lines of a file in their order; returns how many bytes a last line without an end has. */
  read(bytes: Buffer): number {
    const whole = bytes.lastIndexOf('\n') + 1;
    for (const line of bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1)) this.#take(line);
    return bytes.length - whole;
  }

  /** The line that an entry makes now. */
  next(entry: JournalEntry, at: number): NextLine {
    // Canonical JSON of the line by hand, so that the entry, which may hold a whole grant, is worded once: members in their order.
    const before = `{"at":${canonicalJson(at)},"entry":${canonicalJson(entry)}`;
    const behind = `"n":${this.#lines},"previous":"${this.#head}"}`;
    const hash = sha256(`${before},${behind}`);
    const commit = () => {
      this.#lines += 1;
      this.#head = hash;
      note(this.#known, entry, at);
    };
    return { text: `${before},"hash":"${hash}",${behind}\n`, commit };
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
}

/** Parses and verifies one line by itself; `null` when it is not what was written. */
function readLine(text: string): JournalLine | null {
  const value = parsedJson(text);
  const parsed = journalLineSchema.safeParse(value);
  if (!parsed.success) return null;
  const { hash, ...body } = value as Record<string, unknown>;
  return sha256(canonicalJson(body)) === hash ? parsed.data : null;
}
