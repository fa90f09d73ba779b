/**
 * Messages that may not get lost: kept on disk with rising numbers until the control plane says that it has stored them.
 * Survives restarts. Bounded: alerts make room for reports, and reports that find no room stay with the runner.
 */
import { dirname, join } from 'node:path';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { shapeOf } from '@countersign/protocol/form';
import type { z } from 'zod';
import { outboxLineForm } from '../ahead.ts';
import { failPoint } from '../fail-points.ts';
import type { Log } from '../host/log.ts';
import { AppendFile, halfOf, makeOwnFolder, replaceOwnFile, syncFolder } from '../host/own-files.ts';
import { schemas } from '../late.ts';
import type { outboxLineSchema } from './kept.ts';

export type Numbered = Extract<FromAgent, { seq: number }>;
/** A message before it has its number. */
export type Unnumbered = Numbered extends infer M ? (M extends Numbered ? Omit<M, 'seq'> : never) : never;

export interface Kept {
  /** Tells messages apart by what they say, so that one that is told twice is kept once. */
  readonly key: string;
  readonly message: Numbered;
}

const ENTRIES_MAX = 1000;
const COMPACT_BYTES = 4 * 1024 * 1024;

type Line = z.infer<typeof outboxLineSchema>;
const lineShape = shapeOf<Line>(outboxLineForm, () => schemas().outboxLineSchema);

export class Outbox {
  readonly #path: string;
  readonly #log: Log;
  readonly #entriesMax: number;
  #file: AppendFile | null = null;
  /** Whether its name is known to be on disk. */
  #isNamed = false;
  #entries: Kept[] = [];
  #next = 0;

  private constructor(path: string, log: Log, entriesMax: number) {
    this.#path = path;
    this.#entriesMax = entriesMax;
    this.#log = log;
  }

  /** Opens it, as the last link left it. On a disk that cannot be written it works in memory, and says so in the log. */
  static open(stateDir: string, log: Log, entriesMax = ENTRIES_MAX): Outbox {
    const outbox = new Outbox(join(stateDir, 'outbox.ndjson'), log, entriesMax);
    try {
      makeOwnFolder(stateDir);
      // Its name is made durable with the first report: a start does not wait for the disk.
      outbox.#load(AppendFile.open(outbox.#path, { sync: false }));
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      log.error('outbox.not_written', { error });
    }
    return outbox;
  }

  /** What is not acknowledged yet, in order. */
  get waiting(): readonly Kept[] {
    return this.#entries;
  }

  /**
   * Takes a message in: written when the call returns, on disk some time after {@link settle}. Returns it with its number; `null` when one
   * with this key waits already, or when there is no room for it. A disk that is full is logged, and the message is kept in memory.
   */
  put(key: string, message: Unnumbered): Kept | null {
    if (this.#entries.some((entry) => entry.key === key) || !this.#makeRoom(message)) return null;
    const kept: Kept = { key, message: { ...message, seq: this.#next } as Numbered };
    this.#next += 1;
    this.#entries.push(kept);
    failPoint('link.outbox.before_write', () => this.#file?.append(halfOf(JSON.stringify(kept)), { sync: true }));
    this.#write(kept);
    failPoint('link.outbox.after_write');
    return kept;
  }

  /**
   * Makes what was taken in durable, soon. It may be sent before: the runner's own journal has every report until the control plane
   * has it, and a report that comes twice counts once. So nobody waits for the disk, and what comes meanwhile shares the next sync.
   */
  settle(): void {
    this.#name();
    this.#file?.synced().catch((error: unknown) => this.#log.error('outbox.not_written', { error }));
  }

  /** Forgets what the control plane has stored, and returns it. */
  acknowledge(seq: number): Kept[] {
    const done = this.#entries.filter(({ message }) => message.seq <= seq);
    if (done.length === 0) return [];
    this.#entries = this.#entries.filter(({ message }) => message.seq > seq);
    failPoint('link.acknowledge.before_write');
    if ((this.#file?.size ?? 0) > COMPACT_BYTES) this.#compact();
    else this.#write({ acknowledged: seq });
    failPoint('link.acknowledge.after_write');
    return done;
  }

  close(): void {
    this.#file?.close();
  }

  #name(): void {
    if (this.#isNamed || this.#file === null) return;
    try {
      syncFolder(dirname(this.#path));
      this.#isNamed = true;
    } catch (error) {
      this.#log.error('outbox.not_written', { error });
    }
  }

  #makeRoom(message: Unnumbered): boolean {
    if (this.#entries.length < this.#entriesMax) return true;
    const alert = this.#entries.findIndex((entry) => entry.message.type === 'alert');
    if (alert < 0) return false;
    const [dropped] = this.#entries.splice(alert, 1);
    this.#log.warn('outbox.full', { dropped: dropped?.key, for: message.type });
    this.#write({ dropped: dropped?.message.seq });
    return true;
  }

  #write(line: object): void {
    try {
      this.#file?.append(`${JSON.stringify(line)}\n`, { sync: false });
    } catch (error) {
      this.#log.error('outbox.not_written', { error });
    }
  }

  #load(file: AppendFile): void {
    this.#file = file;
    const bytes = file.read();
    const whole = bytes.lastIndexOf('\n') + 1;
    if (whole < bytes.length) file.truncate(whole);
    const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    for (const line of lines) this.#apply(line);
    if (file.size > COMPACT_BYTES) this.#compact();
  }

  #apply(text: string): void {
    const line = parseLine(text);
    if (line === null) this.#log.error('outbox.line_damaged');
    else if ('next' in line) this.#next = Math.max(this.#next, line.next);
    else if ('acknowledged' in line)
      this.#entries = this.#entries.filter(({ message }) => message.seq > line.acknowledged);
    else if ('dropped' in line) this.#entries = this.#entries.filter(({ message }) => message.seq !== line.dropped);
    else if ('seq' in line.message) {
      this.#entries.push({ key: line.key, message: line.message });
      this.#next = Math.max(this.#next, line.message.seq + 1);
    }
  }

  #compact(): void {
    const lines = [{ next: this.#next }, ...this.#entries].map((line) => `${JSON.stringify(line)}\n`);
    try {
      replaceOwnFile(this.#path, lines.join(''), 0o600);
      this.#file?.close();
      this.#file = AppendFile.open(this.#path);
    } catch (error) {
      this.#log.error('outbox.not_compacted', { error });
    }
  }
}

function parseLine(text: string): Line | null {
  try {
    return lineShape.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && error.name === 'ZodError')) return null;
    throw error;
  }
}
