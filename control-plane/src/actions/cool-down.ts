/**
 * After several rejections in a row of time a token may ask for no change for a while, so that nobody approves out of weariness
 * (threat T21). People at a dashboard or a command line are not held up: nobody else's prompt speaks through them.
 */
import { fault } from '@countersign/protocol';
import type { Db } from '../storage/database.ts';
import { newestRejections } from './action.store.ts';
import type { ActionDeps, ActionLimits } from './action-deps.ts';

/** Until when the token with these rejections, newest first, may ask for nothing; `null` when it may. Pure. */
export function coolDownUntil(
  rejectedAt: readonly number[],
  { rejectionsMost, coolDownMs }: Pick<ActionLimits, 'rejectionsMost' | 'coolDownMs'>,
  now: number,
): number | null {
  const newest = rejectedAt[0];
  const oldest = rejectedAt[rejectionsMost - 1];
  if (newest === undefined || oldest === undefined || newest - oldest > coolDownMs) return null;
  return now < newest + coolDownMs ? newest + coolDownMs : null;
}

/** Rejects with `too_many_rejections` while the token cools down. */
export async function refuseAfterRejections(
  { db, clock, limits }: Pick<ActionDeps, 'clock' | 'limits'> & { readonly db: Db },
  tokenId: string | null,
): Promise<void> {
  if (tokenId === null) return;
  const now = clock.now();
  // Those that are over for longer than the newest and the oldest that count can be apart do not matter.
  const since = now - 2 * limits.coolDownMs;
  const rejectedAt = await newestRejections(db, tokenId, { since, most: limits.rejectionsMost });
  const until = coolDownUntil(rejectedAt, limits, now);
  if (until === null) return;
  throw fault('too_many_rejections', {
    count: limits.rejectionsMost,
    minutes: Math.round(limits.coolDownMs / 60_000),
    seconds: Math.ceil((until - now) / 1000),
  });
}
