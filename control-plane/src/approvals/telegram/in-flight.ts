/** Calls to Telegram that nobody waits for: their failures are logged, and whoever ends the bot can wait for them. */
import type { Log } from '../../ports.ts';
import { troubleOf } from './trouble.ts';

export interface InFlight {
  /** Lets a call run by itself. `what` names it in the log. */
  let(what: string, call: Promise<unknown>): void;
  /** Resolves when none is left. */
  settled(): Promise<void>;
}

export function inFlight(log: Log): InFlight {
  const calls = new Set<Promise<void>>();
  return {
    let(what, call) {
      const watched = call
        .then(
          () => undefined,
          (error: unknown) => note(log, what, error),
        )
        .finally(() => calls.delete(watched));
      calls.add(watched);
    },
    async settled() {
      while (calls.size > 0) await Promise.all(calls);
    },
  };
}

function note(log: Log, what: string, error: unknown): void {
  try {
    log.info('telegram.call_failed', { what, problem: troubleOf(error).words });
  } catch (own) {
    log.error('telegram.call_failed', { what, error: own });
  }
}
