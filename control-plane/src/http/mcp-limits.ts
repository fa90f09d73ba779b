/** How much one token may ask for. A runaway assistant gets an error that says when to go on; others do not feel it. */
import { type Clock, fault } from '@countersign/protocol';

export interface McpLimits {
  /** Calls of tools at once, per token. Waiting in `get_action` counts. */
  readonly callsAtOnce: number;
  /** Calls of tools that a quiet token may make in one go, and how many come back in a second. */
  readonly callBurst: number;
  readonly callsPerSecond: number;
  /** The same for requests of any kind. */
  readonly requestBurst: number;
  readonly requestsPerSecond: number;
  /** Sessions of 2025-era clients per token; the one that was unused for longest makes room. */
  readonly sessionsPerToken: number;
  /** A session that is unused for so long ends, milliseconds. */
  readonly sessionIdleMs: number;
}

/** Far above what assistants do (a few calls a second), far below what would hurt. */
export const mcpLimits: McpLimits = {
  callsAtOnce: 64,
  callBurst: 2000,
  callsPerSecond: 100,
  requestBurst: 8000,
  requestsPerSecond: 400,
  sessionsPerToken: 32,
  sessionIdleMs: 30 * 60_000,
};

interface Bucket {
  left: number;
  at: number;
}

export interface Allowance {
  /** Counts a request. Throws `rate_limited`. */
  readonly request: (tokenId: string) => void;
  /** Counts a call; call what it returns when it ended. Throws `rate_limited`. */
  readonly call: (tokenId: string) => () => void;
}

/** Token buckets over the clock. What is full again is forgotten, so that tokens that went away cost nothing. */
export function makeAllowance(clock: Clock, limits: McpLimits): Allowance {
  const requests = buckets(clock, limits.requestBurst, limits.requestsPerSecond);
  const calls = buckets(clock, limits.callBurst, limits.callsPerSecond);
  const running = new Map<string, number>();
  return {
    request: requests,
    call: (tokenId) => {
      const now = running.get(tokenId) ?? 0;
      if (now >= limits.callsAtOnce) throw fault('rate_limited', { seconds: 1 });
      calls(tokenId);
      running.set(tokenId, now + 1);
      return () => {
        const left = (running.get(tokenId) ?? 1) - 1;
        if (left > 0) running.set(tokenId, left);
        else running.delete(tokenId);
      };
    },
  };
}

const BUCKETS_KEPT = 10_000;

function buckets(clock: Clock, burst: number, perSecond: number): (key: string) => void {
  const kept = new Map<string, Bucket>();
  return (key) => {
    const at = clock.monotonic();
    const before = kept.get(key) ?? { left: burst, at };
    const left = Math.min(burst, before.left + ((at - before.at) / 1000) * perSecond);
    if (left < 1) throw fault('rate_limited', { seconds: Math.max(1, Math.ceil((1 - left) / perSecond)) });
    if (kept.size >= BUCKETS_KEPT) forgetFull(kept, at, burst, perSecond);
    kept.set(key, { left: left - 1, at });
  };
}

function forgetFull(kept: Map<string, Bucket>, now: number, burst: number, perSecond: number): void {
  for (const [key, { left, at }] of kept) if (left + ((now - at) / 1000) * perSecond >= burst) kept.delete(key);
}
