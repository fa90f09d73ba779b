/** Does on the clock what followers may have missed: a crash between a commit and its consequences loses nothing. */

import { loop } from '../loop.ts';
import type { ActionDeps } from './action-deps.ts';
import { confirmDue } from './confirm-due.ts';
import { dispatchDue } from './dispatch-due.ts';
import { expireDue } from './expire-due.ts';
import { forgetOutput } from './forget-output.ts';
import { loseDue } from './lose-due.ts';
import { resendDue } from './resend-due.ts';

const failed = 'action.sweep_failed';
const EVERY_MS = 1000;
const FORGET_EVERY_MS = 3_600_000;

/** Starts the sweeps: expiry, dispatch and loss every second, unanswered grants and confirmations every ten, old output every hour. Dispose of it to stop them. */
export function startSweeps(deps: ActionDeps): AsyncDisposable {
  const watchingSince = deps.clock.now();
  const loops = [
    loop(deps, { everyMs: EVERY_MS, failed }, async () => {
      await expireDue(deps);
      await dispatchDue(deps);
      await loseDue(deps, { watchingSince });
    }),
    loop(deps, { everyMs: deps.limits.resendMs, failed }, async () => {
      await resendDue(deps);
      await confirmDue(deps);
    }),
    loop(deps, { everyMs: FORGET_EVERY_MS, failed }, () => forgetOutput(deps)),
  ];
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(loops.map((stop) => stop()));
    },
  };
}
