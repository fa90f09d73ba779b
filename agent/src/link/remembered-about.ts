/**
 * What the runner said of itself last. The link introduces itself with it at once, instead of waiting until the runner has been
 * woken; when the runner then says something else, the link introduces itself again.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { shapeOf } from '@countersign/protocol/form';
import { keptAboutForm } from '../ahead.ts';
import type { Log } from '../host/log.ts';
import { readOwnFile, replaceOwnFile } from '../host/own-files.ts';
import { schemas } from '../late.ts';
import type { About } from '../run/runner-wire.ts';

const BYTES_MAX = 256 * 1024;

interface Kept {
  readonly stamp: string;
  readonly about: About;
}
const keptShape = shapeOf<Kept>(keptAboutForm, () => schemas().keptAboutSchema);

export class RememberedAbout {
  readonly #file: string;
  readonly #log: Log;
  #kept: Kept | null | undefined;

  constructor(stateDir: string, log: Log) {
    this.#file = join(stateDir, 'about.json');
    this.#log = log;
  }

  /** What was kept, if the policy file is still the one of then: `stamp` changes with it. */
  get(stamp: string): About | null {
    if (this.#kept === undefined) this.#kept = this.#read();
    return this.#kept?.stamp === stamp ? this.#kept.about : null;
  }

  set(about: About, stamp: string): void {
    const kept = { stamp, about };
    if (!isDeepStrictEqual(this.#kept, kept)) this.#write(kept);
    this.#kept = kept;
  }

  /** Takes in what has changed since. */
  change(changed: Partial<About>): void {
    if (this.#kept) this.set({ ...this.#kept.about, ...changed }, this.#kept.stamp);
  }

  #read(): Kept | null {
    try {
      const file = readOwnFile(this.#file, BYTES_MAX);
      return file === null ? null : keptShape.parse(JSON.parse(file.bytes.toString('utf8')));
    } catch (error) {
      this.#log.warn('about.not_read', { error });
      return null;
    }
  }

  #write(kept: Kept): void {
    try {
      replaceOwnFile(this.#file, JSON.stringify(kept), 0o600);
    } catch (error) {
      this.#log.warn('about.not_written', { error });
    }
  }
}

/** Whether two answers say the same of what the control plane is told and what does not change with every action. */
export function tellTheSame(a: About, b: About): boolean {
  return isDeepStrictEqual([a.root, a.policy, a.witnessKey], [b.root, b.policy, b.witnessKey]);
}
