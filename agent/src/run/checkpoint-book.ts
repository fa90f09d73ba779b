/**
 * The checkpoints of the control plane's audit log that this server keeps, so that the log cannot be rolled back, rewritten or
 * forked unseen. One line each in a file that only grows until it is thinned out. Source: design.md, section 10; T22, F18.
 */
import { join } from 'node:path';
import { type Clock, canonicalJson, fault, type Witnessed, witnessedSchema } from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';
import { AppendFile, halfOf, makeOwnFolder, readOwnFile, replaceOwnFile } from '../host/own-files.ts';
import { parsedJson } from '../host/parsed-json.ts';

const FILE = 'checkpoints.ndjson';
const FILE_BYTES_MAX = 8 * 1024 * 1024;
/** So many lines more than are kept, and the file is written anew. */
const SURPLUS_MAX = 1000;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const OF_LAST_DAY_MAX = 1500;
const KEPT_MAX = 3000;

export class CheckpointBook {
  readonly #folder: string;
  readonly #path: string;
  readonly #clock: Clock;
  /** By size, which is also by time. */
  #kept: readonly Witnessed[] = [];
  #lines = 0;
  #broken: string | null = null;

  /** Opens the book in a folder. A last line that a crash cut off is passed over. Never throws: see {@link broken}. */
  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#path = join(folder, FILE);
    this.#clock = clock;
    try {
      this.#load();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#broken = error.message;
    }
  }

  /** Oldest first. */
  get all(): readonly Witnessed[] {
    return this.#kept;
  }

  get newest(): Witnessed | null {
    return this.#kept.at(-1) ?? null;
  }

  /** Why nothing more is kept, or `null`. */
  get broken(): string | null {
    return this.#broken;
  }

  /**
   * Keeps a checkpoint, on disk when the call returns; what is kept already stays as it is. Throws
   * `checkpoint_contradicts` when the log cannot have both this one and those that are kept, and the system's error.
   */
  keep({ size, head }: { readonly size: number; readonly head: string }): Witnessed {
    if (this.#broken !== null) throw new RangeError(this.#broken);
    const same = this.#kept.find((it) => it.size === size);
    if (same?.head === head) return same;
    const newest = this.newest;
    if (newest !== null && size <= newest.size)
      throw fault('checkpoint_contradicts', { size, kept: (same ?? newest).size });
    const witnessed: Witnessed = { size, head, at: this.#clock.now() };
    this.#write(thinned([...this.#kept, witnessed], witnessed.at), witnessed);
    return witnessed;
  }

  #write(kept: readonly Witnessed[], added: Witnessed): void {
    makeOwnFolder(this.#folder);
    if (this.#lines - kept.length >= SURPLUS_MAX) {
      replaceOwnFile(this.#path, kept.map(lineOf).join(''), 0o600);
      this.#lines = kept.length;
    } else {
      const file = AppendFile.open(this.#path);
      try {
        const whole = file.read().lastIndexOf('\n') + 1;
        if (file.size > whole) file.truncate(whole);
        failPoint('run.checkpoints.before_write', () => file.append(halfOf(lineOf(added)), { sync: true }));
        file.append(lineOf(added), { sync: true });
        failPoint('run.checkpoints.after_write');
      } finally {
        file.close();
      }
      this.#lines += 1;
    }
    this.#kept = kept;
  }

  #load(): void {
    const bytes = readOwnFile(this.#path, FILE_BYTES_MAX)?.bytes ?? Buffer.alloc(0);
    const lines = bytes.toString('utf8').split('\n').slice(0, -1);
    const read: Witnessed[] = [];
    this.#lines = lines.length;
    for (const [index, line] of lines.entries()) {
      const witnessed = parse(line);
      if (witnessed === null || witnessed.size <= (read.at(-1)?.size ?? 0)) {
        this.#broken = `line ${index + 1} of ${this.#path} is damaged; compare with \`countersign audit verify --against-servers\`, then move the file away`;
        break;
      }
      read.push(witnessed);
    }
    this.#kept = thinned(read, this.#clock.now());
  }
}

/**
 * What is kept of checkpoints as they grow older: all of the last day (one a minute when there are very many), then one an
 * hour for 30 days, then one a day; the newest always. At most 3000, in their order. Pure.
 */
export function thinned(all: readonly Witnessed[], now: number): readonly Witnessed[] {
  const ofLastDay = all.filter(({ at }) => now - at < DAY).length;
  const slot = ({ at }: Witnessed, index: number) => {
    const age = now - at;
    if (age >= 30 * DAY) return `day ${Math.floor(at / DAY)}`;
    if (age >= DAY) return `hour ${Math.floor(at / HOUR)}`;
    return ofLastDay > OF_LAST_DAY_MAX ? `minute ${Math.floor(at / MINUTE)}` : `${index}`;
  };
  const last = new Map(all.map((witnessed, index) => [slot(witnessed, index), witnessed]));
  const kept = new Set(last.values());
  return all.filter((witnessed, index) => kept.has(witnessed) || index === all.length - 1).slice(-KEPT_MAX);
}

const lineOf = ({ size, head, at }: Witnessed) => `${canonicalJson({ size, head, at })}\n`;

function parse(line: string): Witnessed | null {
  return witnessedSchema.safeParse(parsedJson(line)).data ?? null;
}
