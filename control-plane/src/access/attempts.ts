/**
 * Slows guessing down. Failed attempts are counted per account and per address over a sliding window; when a count is full,
 * nothing is even looked at until the oldest failure is old enough. Counts live in memory: a restart forgets them.
 */
import { type Clock, fault } from '@countersign/protocol';
import { visitorOf } from '../config/addresses.ts';

const WINDOW_MS = 10 * 60_000;
const PER_ACCOUNT = 10;
const PER_VISITOR = 30;
/** So that nobody fills the memory with made-up accounts. */
const KEYS_MAX = 10_000;

export interface Attempt {
  /** It was right: the failures of the account are forgiven, this attempt is forgotten. */
  succeeded(): void;
  /** It was neither right nor wrong: this attempt is forgotten, those before it stay. */
  forget(): void;
}

export interface Attempts {
  /**
   * Notes an attempt before it is checked, so that many at once cannot slip through. Throws `rate_limited`. Call `succeeded`
   * when the attempt was right.
   */
  begin(account: string, ip: string | null): Attempt;
}

export function attempts(clock: Clock): Attempts {
  const counts = new Map<string, number[]>();

  const note = (key: string, limit: number): number[] => {
    const now = clock.monotonic();
    const recent = (counts.get(key) ?? []).filter((at) => now - at < WINDOW_MS);
    const oldest = recent[0];
    if (oldest !== undefined && recent.length >= limit)
      throw fault('rate_limited', { seconds: Math.ceil((WINDOW_MS - (now - oldest)) / 1000) });
    recent.push(now);
    counts.delete(key);
    counts.set(key, recent);
    return recent;
  };

  return {
    begin(account, ip) {
      const accountKey = `account ${account.toLowerCase()}`;
      const visitorKey = `visitor ${ip === null ? 'unknown' : visitorOf(ip)}`;
      note(visitorKey, PER_VISITOR);
      note(accountKey, PER_ACCOUNT);
      for (const key of counts.keys()) {
        if (counts.size <= KEYS_MAX) break;
        counts.delete(key);
      }
      return {
        succeeded() {
          counts.delete(accountKey);
          counts.get(visitorKey)?.pop();
        },
        forget() {
          counts.get(accountKey)?.pop();
          counts.get(visitorKey)?.pop();
        },
      };
    },
  };
}
