/**
 * What the steps of one action print, on its way out: redacted by whole lines, control characters dropped, capped per step,
 * joined into a few chunks with rising numbers. Every chunk is also written to a file, so that a link that attaches later,
 * or a runner that takes over after a crash, can go on from there. Source: design.md, section 5; threats T13, T14, F7, F15.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Cancel, type Clock, redact, stripControl } from '@countersign/protocol';
import { z } from 'zod';
import { failPoint } from '../fail-points.ts';
import type { Log } from '../host/log.ts';
import { AppendFile, makeOwnFolder, readOwnFile } from '../host/own-files.ts';
import type { OutputChunk } from './runner-wire.ts';

/** What is kept of one step's output, bytes of UTF-8. */
export const STEP_OUTPUT_MAX = 1024 * 1024;
/** Longest text of a chunk, bytes of UTF-8: in JSON at most twice as many. Each costs three processes a turn. */
const CHUNK_MAX = 60_000;
const COALESCE_MS = 100;
/** More than the output of all steps of a plan can take. */
const STORED_BYTES_MAX = 64 * STEP_OUTPUT_MAX;
/** A line longer than this is cut, so that it can be looked through for secrets at all. */
const LINE_MAX = 64 * 1024;

const FOLDER = 'chunks';
const pathOf = (folder: string, actionId: string) => join(folder, FOLDER, `${actionId}.ndjson`);

const KEY_BEGIN = /-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----/;
const KEY_END = /-----END (?:[A-Z0-9 ]+ )?PRIVATE KEY(?: BLOCK)?-----/;

const storedSchema = z.object({
  step: z.string(),
  chunk: z.int(),
  text: z.string(),
  dropped: z.int(),
  /** Bytes that the step had printed when this chunk was made. */
  printed: z.int(),
  /** Whether a private key had begun by then, and not ended. */
  insideKey: z.boolean().optional(),
});
type Stored = z.infer<typeof storedSchema>;

export interface OutputOptions {
  readonly actionId: string;
  readonly folder: string;
  readonly clock: Clock;
  /** Values known to be secret here. */
  readonly secrets: readonly string[];
  readonly send: (chunk: OutputChunk) => void;
  readonly log: Log;
}

/** The output of one action. */
export class Output {
  readonly #options: OutputOptions;
  /** Made when something is printed: most commands that change something are silent. */
  #file: AppendFile | null;
  readonly #stored: Stored[];
  #step: StepOutput | null = null;
  #storing = true;

  private constructor(options: OutputOptions, file: AppendFile | null, stored: Stored[]) {
    this.#options = options;
    this.#file = file;
    this.#stored = stored;
  }

  /** Opens the output of an action: fresh, or as a crash left it. */
  static open(options: OutputOptions): Output {
    try {
      const path = pathOf(options.folder, options.actionId);
      const file = existsSync(path) ? AppendFile.open(path) : null;
      return new Output(options, file, file === null ? [] : readStored(file));
    } catch (error) {
      const output = new Output(options, null, []);
      output.#notStored(error);
      return output;
    }
  }

  /** Removes what is stored of an action's output. */
  static forget(folder: string, actionId: string): void {
    rmSync(pathOf(folder, actionId), { force: true });
  }

  /** What is stored of the output of an action that is over. */
  static stored(folder: string, actionId: string): OutputChunk[] {
    const file = readOwnFile(pathOf(folder, actionId), STORED_BYTES_MAX);
    return file === null ? [] : parseStored(file.bytes).chunks.map((stored) => chunkOf(actionId, stored));
  }

  /** Everything so far, for a link that attaches. */
  chunks(): OutputChunk[] {
    return this.#stored.map((stored) => chunkOf(this.#options.actionId, stored));
  }

  /** Begins a step. With `again`, after a crash, what it printed before is skipped when it comes once more. */
  begin(step: string, options: { readonly again: boolean } = { again: false }): void {
    this.end();
    const before = options.again ? this.#stored.filter((chunk) => chunk.step === step) : [];
    const seen = {
      printed: before.at(-1)?.printed ?? 0,
      kept: before.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      insideKey: before.at(-1)?.insideKey ?? false,
    };
    this.#step = new StepOutput(this.#options, seen, (made) => this.#emit({ step, ...made }));
  }

  /** Takes what the present step printed. */
  write(text: string): void {
    this.#step?.write(text);
  }

  /** Sends what is left of the present step. */
  end(): void {
    this.#step?.end();
    this.#step = null;
  }

  close(): void {
    this.end();
    this.#file?.close();
  }

  #emit(made: Omit<Stored, 'chunk'>): void {
    const stored = { ...made, chunk: (this.#stored.at(-1)?.chunk ?? -1) + 1 };
    this.#stored.push(stored);
    this.#store(stored);
    this.#options.send(chunkOf(this.#options.actionId, stored));
  }

  #store(chunk: Stored): void {
    if (!this.#storing) return;
    try {
      this.#file ??= this.#make();
      const file = this.#file;
      failPoint('run.output.before_append', () => file.append('{"step":', { sync: false }));
      file.append(`${JSON.stringify(chunk)}\n`, { sync: false });
    } catch (error) {
      this.#notStored(error);
    }
  }

  #make(): AppendFile {
    const { folder, actionId } = this.#options;
    makeOwnFolder(join(folder, FOLDER));
    // What it holds is not synced either.
    return AppendFile.open(pathOf(folder, actionId), { sync: false });
  }

  /** A full disk must not keep an action from its end: from here on the output is only sent, and lost with this process. */
  #notStored(error: unknown): void {
    this.#storing = false;
    this.#options.log.warn('output.not_stored', { actionId: this.#options.actionId, error });
  }
}

type Emit = (made: Omit<Stored, 'chunk' | 'step'>) => void;

class StepOutput {
  readonly #options: OutputOptions;
  readonly #emit: Emit;
  #skip: number;
  #printed: number;
  #kept: number;
  #dropped = 0;
  #lines = '';
  #rest = '';
  #insideKey: boolean;
  #cancel: Cancel | null = null;

  /** `seen`: what an earlier runner sent already. */
  constructor(options: OutputOptions, seen: { printed: number; kept: number; insideKey: boolean }, emit: Emit) {
    this.#options = options;
    this.#skip = seen.printed;
    this.#printed = 0;
    this.#kept = seen.kept;
    this.#insideKey = seen.insideKey;
    this.#emit = emit;
  }

  write(given: string): void {
    const bytes = Buffer.byteLength(given);
    this.#printed += bytes;
    if (this.#kept >= STEP_OUTPUT_MAX) {
      this.#dropped += bytes;
      return;
    }
    this.#rest += this.#unseen(given, bytes);
    // Only a line that is too long itself is cut: what a pipe brings at once is as long, and its last line waits for its end.
    const whole = this.#rest.lastIndexOf('\n') + 1;
    const end = this.#rest.length - whole > LINE_MAX ? this.#rest.length : whole;
    this.#lines += this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    while (this.#lines.length >= CHUNK_MAX) this.#flush(this.#chunkEnd());
    if (this.#lines !== '') this.#cancel ??= this.#options.clock.after(COALESCE_MS, () => this.#flush());
  }

  end(): void {
    this.#lines += this.#rest;
    this.#rest = '';
    this.#flush();
    if (this.#dropped > 0) this.#emit({ text: '', dropped: this.#dropped, printed: this.#printed });
    this.#dropped = 0;
  }

  /** What of this text was not sent before the crash. */
  #unseen(given: string, bytes: number): string {
    if (this.#skip === 0) return given;
    const skipped = Math.min(this.#skip, bytes);
    this.#skip -= skipped;
    return skipped === bytes ? '' : Buffer.from(given).subarray(skipped).toString('utf8');
  }

  /** Where a chunk ends that is as long as one may be: what a pipe brings at once is a little more, and the rest waits for what follows. */
  #chunkEnd(): number {
    return this.#lines.lastIndexOf('\n', CHUNK_MAX - 1) + 1 || this.#lines.indexOf('\n') + 1 || this.#lines.length;
  }

  #flush(end = this.#lines.length): void {
    this.#cancel?.();
    this.#cancel = null;
    const raw = this.#lines.slice(0, end);
    this.#lines = this.#lines.slice(end);
    if (raw === '') return;
    let text = redact(stripControl(this.#withoutKeys(raw)), this.#options.secrets).text;
    const printed = this.#printed - Buffer.byteLength(this.#lines) - Buffer.byteLength(this.#rest);
    while (text !== '') {
      const room = STEP_OUTPUT_MAX - this.#kept;
      const part = cut(text, Math.min(CHUNK_MAX, room));
      if (part === '') break;
      text = text.slice(part.length);
      this.#kept += Buffer.byteLength(part);
      this.#emit({ text: part, dropped: 0, printed, ...(this.#insideKey ? { insideKey: true } : {}) });
    }
    if (text === '') return;
    this.#dropped += Buffer.byteLength(text);
    this.#kept = STEP_OUTPUT_MAX;
  }

  /** A private key that is spread over several chunks is left out as a whole; `redact` sees to one that lies in one piece. */
  #withoutKeys(text: string): string {
    let rest = text;
    if (this.#insideKey) {
      const end = KEY_END.exec(rest);
      if (end === null) return '';
      rest = rest.slice(end.index + end[0].length);
      this.#insideKey = false;
    }
    const open = rest.split(KEY_BEGIN).at(-1) ?? '';
    this.#insideKey = KEY_BEGIN.test(rest) && !KEY_END.test(open);
    return rest;
  }
}

const encoder = new TextEncoder();

/** The longest beginning of a text that has no more bytes and does not cut a character. */
function cut(text: string, bytes: number): string {
  let part = text.slice(0, bytes);
  if (Buffer.byteLength(part) > bytes) part = part.slice(0, encoder.encodeInto(part, new Uint8Array(bytes)).read);
  return part.isWellFormed() ? part : part.slice(0, -1);
}

function readStored(file: AppendFile): Stored[] {
  const { chunks, whole } = parseStored(file.read());
  if (whole < file.size) file.truncate(whole);
  return chunks;
}

/** The stored chunks, up to the last whole line. */
function parseStored(bytes: Buffer): { chunks: Stored[]; whole: number } {
  const whole = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
  return { chunks: lines.flatMap(parseLine), whole };
}

/** A line that a crash of the machine left damaged is left out: its number is then missing, which shows. */
function parseLine(line: string): Stored[] {
  try {
    return [storedSchema.parse(JSON.parse(line))];
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return [];
    throw error;
  }
}

function chunkOf(actionId: string, { step, chunk, text, dropped }: Stored): OutputChunk {
  return { actionId, step, chunk, text, dropped };
}
