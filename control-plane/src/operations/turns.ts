/**
 * Fair turns: of each credential only a few calls run at once, its others wait in their order. Who floods us waits for
 * itself, and everybody else meets no more than those few (threats.md, T13).
 */
import { fault } from '@countersign/protocol';

export interface TurnLimits {
  /** Calls of one credential that run at once. */
  readonly atOnce: number;
  /** Calls of one credential that may wait for their turn. */
  readonly waiting: number;
}

export const turnLimits: TurnLimits = { atOnce: 6, waiting: 200 };

interface Line {
  running: number;
  readonly waiting: Set<() => void>;
}

/** Runs work when it is the turn of a credential. It may hand its turn on before it has ended, when it only waits from then on. */
export type TakeTurn = <T>(
  credential: string,
  signal: AbortSignal,
  work: (handOn: () => void) => Promise<T>,
) => Promise<T>;

/**
 * Makes a fresh set of lines. A turn rejects with `rate_limited` when too many wait already, with the signal's reason when it
 * is aborted while it waits, and else as the work does.
 */
export function makeTurns(limits: TurnLimits = turnLimits): TakeTurn {
  const lines = new Map<string, Line>();
  return async (credential, signal, work) => {
    const line = lines.get(credential) ?? { running: 0, waiting: new Set() };
    lines.set(credential, line);
    if (line.running >= limits.atOnce) await turn(line, limits, signal);
    else line.running += 1;
    let isOurs = true;
    const handOn = () => {
      if (!isOurs) return;
      isOurs = false;
      const [next] = line.waiting;
      if (next) next();
      else line.running -= 1;
      if (line.running === 0) lines.delete(credential);
    };
    try {
      return await work(handOn);
    } finally {
      handOn();
    }
  };
}

/** Resolves when a call that ran hands its turn on. */
async function turn(line: Line, limits: TurnLimits, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (line.waiting.size >= limits.waiting) throw fault('rate_limited', { seconds: 1 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => {
    line.waiting.delete(next);
    reject(signal.reason);
  };
  const next = () => {
    line.waiting.delete(next);
    signal.removeEventListener('abort', onAbort);
    resolve();
  };
  line.waiting.add(next);
  signal.addEventListener('abort', onAbort, { once: true });
  return promise;
}
