/**
 * Up to which number the reports of each server are stored. The agent is told at once; the store gets it in batches, a second later at
 * most: what is stored twice changes nothing, so a number that is lost in a crash only means that the next one says it.
 */
import type { Cancel } from '@countersign/protocol';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { repeat } from './repeat.ts';
import { saveAcknowledged } from './server.store.ts';

const FLUSH_MS = 1000;
/** Few enough that nothing else waits long. */
const SERVERS_PER_TRANSACTION = 100;

export class Acknowledgements {
  readonly #core: Pick<Core, 'db' | 'clock' | 'log'>;
  #newest = new Map<string, number>();
  #flushing: Promise<void> = Promise.resolve();
  #stop: Cancel | undefined;

  constructor(core: Pick<Core, 'db' | 'clock' | 'log'>) {
    this.#core = core;
  }

  /** Begins to store. */
  start(): void {
    this.#stop = repeat(this.#core.clock, FLUSH_MS, () => this.flush());
  }

  /** All reports of a server up to this number are stored, and its agent was told. */
  note(serverId: string, seq: number): void {
    this.#newest.set(serverId, seq);
  }

  /** Stores what was noted since the last time. Never rejects: what could not be stored is tried again. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush());
    return this.#flushing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.();
    await this.flush();
  }

  async #flush(): Promise<void> {
    const { db, log } = this.#core;
    const batch = [...this.#newest];
    this.#newest = new Map();
    try {
      for (let from = 0; from < batch.length; from += SERVERS_PER_TRANSACTION) {
        const some = batch.slice(from, from + SERVERS_PER_TRANSACTION);
        await write(db, 'fleet.acknowledge', async (trx) => {
          for (const [id, seq] of some) await saveAcknowledged(trx, id, seq);
        });
      }
    } catch (error) {
      log.error('acknowledgements.not_stored', { servers: batch.length, error: String(error) });
      this.#newest = new Map([...batch, ...this.#newest]);
    }
  }
}
