/** Ends amendments that nobody made within a day, and marks those as made that a crash left half-way. */
import type { Cancel } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import { openAmendments } from './amendment.store.ts';
import { endAsOver } from './end-amendment.ts';
import type { AmendmentDeps } from './make-amendment.ts';
import { settle } from './put-in-force.ts';
import { agreedBy } from './still-holds.ts';

const EVERY_MS = 60_000;

/** One look at all that wait. */
export async function sweepAmendments(deps: AmendmentDeps): Promise<void> {
  for (const row of await openAmendments(deps.db)) {
    if (row.kind === 'policy' && (await agreedBy(deps.db, row)) >= row.others_needed) await settle(deps, row);
    if (row.expires_at <= deps.clock.now())
      await endAsOver(deps, whoIs('clock'), row, { state: 'expired', why: 'nobody made it in time' });
  }
}

/** Sweeps now and every minute. */
export function amendmentsOnClock(deps: AmendmentDeps): AsyncDisposable {
  let cancel: Cancel = () => undefined;
  let stopped = false;
  let underWay: Promise<unknown> = Promise.resolve();
  const look = () => {
    underWay = sweepAmendments(deps)
      .catch((error: unknown) => deps.log.error('amendment.sweep_failed', { error: String(error) }))
      .finally(() => {
        if (!stopped) cancel = deps.clock.after(EVERY_MS, look);
      });
  };
  look();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      cancel();
      await underWay;
    },
  };
}
