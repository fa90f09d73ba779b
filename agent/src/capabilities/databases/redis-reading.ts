/** What Redis tells of itself. Source: the commands INFO, SLOWLOG and LATENCY in the manual of Redis. */
import { fault } from '@countersign/protocol';

/** `name:value` lines of INFO. */
export class RedisInfo {
  readonly #values: ReadonlyMap<string, string>;

  constructor(text: string) {
    const lines = text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 && !line.startsWith('#') ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    });
    this.#values = new Map(lines);
    // Words that every version tells: without them it is not an answer to INFO.
    if (!this.#values.has('used_memory') || !this.#values.has('run_id'))
      throw fault('capability_failed', { capability: 'redis-cli', reason: 'Redis answered something unexpected' });
  }

  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** 0 where the version does not tell it. */
  number(name: string): number {
    const value = Number(this.#values.get(name));
    return Number.isFinite(value) ? value : 0;
  }

  /** Used memory in percent of the limit; 0 where there is none. */
  get memoryPercent(): number {
    const limit = this.number('maxmemory');
    return limit === 0 ? 0 : Math.round((this.number('used_memory') / limit) * 100);
  }

  /** Whether the last snapshot and the last writes of the append-only file went well. */
  get isPersistenceOk(): boolean {
    const fine = (name: string) => this.text(name) === 'ok' || this.text(name) === '';
    return fine('rdb_last_bgsave_status') && fine('aof_last_write_status') && fine('aof_last_bgrewrite_status');
  }
}

export interface SlowCommand {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ms: number;
  /** The command's name alone: what stands behind it is data. */
  readonly command: string;
}

/** Entries as `redis-cli --no-raw SLOWLOG GET` prints them. */
export function parseSlowlog(text: string): SlowCommand[] {
  const entries = text.split(/^(?=\d+\) 1\) \(integer\))/m);
  return entries.flatMap((entry) => {
    const parsed =
      /^\d+\) 1\) \(integer\) \d+\n\s+2\) \(integer\) (\d+)\n\s+3\) \(integer\) (\d+)\n\s+4\) 1\) "([A-Za-z.|_-]{1,40})"/.exec(
        entry,
      );
    if (parsed === null) return [];
    return [{ at: Number(parsed[1]) * 1000, ms: Number(parsed[2]) / 1000, command: (parsed[3] ?? '').toUpperCase() }];
  });
}

export interface Latency {
  readonly event: string;
  readonly at: number;
  readonly latestMs: number;
  readonly maxMs: number;
}

/** Entries as `redis-cli --no-raw LATENCY LATEST` prints them. */
export function parseLatency(text: string): Latency[] {
  const pattern =
    /\d+\) 1\) "([a-z-]{1,60})"\n\s+2\) \(integer\) (\d+)\n\s+3\) \(integer\) (\d+)\n\s+4\) \(integer\) (\d+)/g;
  return [...text.matchAll(pattern)].map(([, event = '', at, latest, most]) => ({
    event,
    at: Number(at) * 1000,
    latestMs: Number(latest),
    maxMs: Number(most),
  }));
}
