/**
 * Signs of life and status samples of all servers. The newest are kept in memory; to the store they go in batches, since a
 * thousand heartbeats are not worth a thousand transactions. A batch that is lost in a crash is no loss: the next one follows.
 */
import type { Cancel } from '@countersign/protocol';
import type { StatusSample } from '@countersign/protocol/agent-wire/facts';
import type { Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { insertSample, saveSeen } from './presence.store.ts';
import { repeat } from './repeat.ts';
import { type ServerEntry, serversAfter, thinSamples } from './server.store.ts';

const FLUSH_MS = 1000;
/** History holds one sample a minute for a day, and one a quarter of an hour for 30 days. */
const MINUTE_MS = 60_000;
const FINE_MS = 24 * 3_600_000;
const KEEP_MS = 30 * 24 * 3_600_000;
const THIN_EVERY_MS = 3_600_000;
/** Few enough that nothing else waits long, and many enough that the sync is not what it costs. */
const SERVERS_PER_TRANSACTION = 100;
/** A server has thousands of samples: few enough that nothing else waits long for them. */
const THINNED_AT_ONCE = 50;

interface Seen {
  readonly at: number;
  readonly clockOffsetMs: number;
  readonly sample: StatusSample | undefined;
}

export class Heartbeats {
  readonly #core: Pick<Core, 'db' | 'clock' | 'log'>;
  readonly #newest = new Map<string, StatusSample>();
  readonly #storedAt = new Map<string, number>();
  /** Before this all is thinned already. */
  #thinnedUpTo = 0;
  #dirty = new Map<string, Seen>();
  /** What is being stored. */
  #storing: ReadonlyMap<string, Seen> = new Map();
  #flushing: Promise<void> = Promise.resolve();
  #timers: Cancel[] = [];

  constructor(core: Pick<Core, 'db' | 'clock' | 'log'>) {
    this.#core = core;
  }

  /** Begins to store. */
  start(): void {
    const { clock } = this.#core;
    this.#timers = [repeat(clock, FLUSH_MS, () => this.flush()), repeat(clock, THIN_EVERY_MS, () => this.thin())];
  }

  /** Takes a sign of life. `sample.at` becomes our own time, so that a wrong clock on a server distorts no history. */
  take(serverId: string, clockOffsetMs: number, sample?: StatusSample): void {
    const at = this.#core.clock.now();
    const ours = sample && { ...sample, at };
    if (ours) this.#newest.set(serverId, ours);
    const due = ours !== undefined && at - (this.#storedAt.get(serverId) ?? -Infinity) >= MINUTE_MS * 0.9;
    if (due) this.#storedAt.set(serverId, at);
    this.#dirty.set(serverId, {
      at,
      clockOffsetMs,
      sample: due ? ours : this.#dirty.get(serverId)?.sample,
    });
  }

  /** The newest sample since this program started. */
  newestOf(serverId: string): StatusSample | undefined {
    return this.#newest.get(serverId);
  }

  /** When the server was heard of last, as far as it is not stored yet. */
  seenAt(serverId: string): number | undefined {
    return (this.#dirty.get(serverId) ?? this.#storing.get(serverId))?.at;
  }

  forget(serverId: string): void {
    this.#newest.delete(serverId);
    this.#storedAt.delete(serverId);
    this.#dirty.delete(serverId);
  }

  /** Stores what came in since the last time. Never rejects: what could not be stored is tried again. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush());
    return this.#flushing;
  }

  /** Deletes what is older than the history keeps. Never rejects. */
  async thin(): Promise<void> {
    const now = this.#core.clock.now();
    const thinBefore = now - FINE_MS;
    // Where the clock was set back, samples came in before what was thinned: all are looked at again.
    const thinFrom = thinBefore < this.#thinnedUpTo ? 0 : this.#thinnedUpTo;
    const limits = { before: now - KEEP_MS, thinFrom, thinBefore, minuteMs: MINUTE_MS };
    try {
      for (let after: ServerEntry | undefined; ; ) {
        const servers = await serversAfter(this.#core.db, { after, limit: THINNED_AT_ONCE, revoked: false });
        await write(this.#core.db, async (trx) => {
          for (const { id } of servers) await thinSamples(trx, id, limits);
        });
        const last = servers.at(-1);
        if (last === undefined || servers.length < THINNED_AT_ONCE) break;
        after = last;
      }
      this.#thinnedUpTo = thinBefore;
    } catch (error) {
      this.#core.log.error('samples.not_thinned', { error: String(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cancel of this.#timers) cancel();
    await this.flush();
  }

  async #flush(): Promise<void> {
    if (this.#dirty.size === 0) return;
    const batch = this.#dirty;
    this.#dirty = new Map();
    this.#storing = batch;
    const all = [...batch];
    try {
      for (let from = 0; from < all.length; from += SERVERS_PER_TRANSACTION) {
        const some = all.slice(from, from + SERVERS_PER_TRANSACTION);
        await write(this.#core.db, (trx) => store(trx, some));
      }
    } catch (error) {
      this.#core.log.error('heartbeats.not_stored', { servers: batch.size, error: String(error) });
      this.#dirty = new Map([...batch, ...this.#dirty]);
    }
    this.#storing = new Map();
  }
}

async function store(trx: Trx, servers: readonly (readonly [string, Seen])[]): Promise<void> {
  for (const [id, { at, clockOffsetMs, sample }] of servers) {
    await saveSeen(trx, { id, at, clockOffsetMs });
    if (sample) await insertSample(trx, id, sample, at);
  }
}
