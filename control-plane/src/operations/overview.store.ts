/** Counts for the overview. */
import type { ActionState } from '@countersign/protocol';
import type { Db } from '../storage/database.ts';

export async function countActionsIn(db: Db, state: ActionState): Promise<number> {
  const row = await db
    .selectFrom('action')
    .select((count) => count.fn.countAll<number>().as('count'))
    .where('state', '=', state)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

/** Whether anything that was asked for was approved by a person and carried out. */
export async function loopWasTried(db: Db): Promise<boolean> {
  // From the approvals, so that a million actions that policy allowed by itself are not looked through.
  const row = await db
    .selectFrom('approval')
    .select('id')
    .where('verdict', '=', 'approve')
    .where((q) =>
      q(q.selectFrom('action').select('state').whereRef('action.id', '=', 'approval.action_id'), '=', 'succeeded'),
    )
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Tokens with their rejections since then, newest first. */
export async function rejectionsByToken(db: Db, since: number): Promise<Map<string, number[]>> {
  const rows = await db
    .selectFrom('action')
    .innerJoin('token', 'token.id', 'action.requested_by_token')
    .select(['token.name', 'token.id', 'action.finished_at'])
    .where('action.state', '=', 'rejected')
    .where('action.follows_action', 'is', null)
    .where('action.finished_at', '>', since)
    .orderBy('action.finished_at', 'desc')
    .execute();
  const groups = Map.groupBy(rows, ({ id }) => id);
  return new Map([...groups.values()].map((of) => [of[0]?.name ?? '', of.flatMap((row) => row.finished_at ?? [])]));
}

export async function countOtherVersions(db: Db, version: string): Promise<number> {
  const row = await db
    .selectFrom('server')
    .select((count) => count.fn.countAll<number>().as('count'))
    .where('state', '=', 'enrolled')
    .where('agent_version', '<>', version)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}
