/** Ends amendments that nobody made within a day, and finishes those that a crash left half-way. */
import { Fault } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import { loop } from '../loop.ts';
import { type Amendment, openAmendments } from './amendment.store.ts';
import { endAsOver } from './end-amendment.ts';
import type { AmendmentDeps } from './make-amendment.ts';
import { putInForce } from './put-in-force.ts';
import { agreedBy, mustStillHold, openAmendment } from './still-holds.ts';

const EVERY_MS = 60_000;

/** One look at all that wait. */
export async function sweepAmendments(deps: AmendmentDeps): Promise<void> {
  for (const row of await openAmendments(deps.db)) {
    if (row.expires_at > deps.clock.now()) await finish(deps, row);
    else await endAsOver(deps, whoIs('clock'), row, { state: 'expired', why: 'nobody made it in time' });
  }
}

/** Rules that nobody has to agree to any more are put in force, in case a crash kept whoever asked from doing it. */
async function finish(deps: AmendmentDeps, row: Amendment): Promise<void> {
  if (row.kind !== 'policy' || (await agreedBy(deps.db, row)) < row.others_needed) return;
  try {
    const open = await openAmendment(deps, row.id);
    await mustStillHold(deps, open);
    if (open.change.does === 'set_policy') await putInForce(deps, whoIs('system'), row, open.change);
  } catch (error) {
    // It is over by now, and the record of that says why.
    if (!(error instanceof Fault && (error.code === 'outdated' || error.code === 'amendment_closed'))) throw error;
  }
}

/** Sweeps now and every minute. */
export function amendmentsOnClock(deps: AmendmentDeps): AsyncDisposable {
  const failed = 'amendment.sweep_failed';
  const first = sweepAmendments(deps).catch((error: unknown) => deps.log.error(failed, { error }));
  const stop = loop(deps, { everyMs: EVERY_MS, failed }, () => sweepAmendments(deps));
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([first, stop()]);
    },
  };
}
