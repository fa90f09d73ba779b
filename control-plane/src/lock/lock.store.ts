/** Queries on the lock: its states, and the signed changes that led from one to the next. */
import type { LockState, SignedLockChange } from '@countersign/protocol/lock';
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import type { LockStateTable } from '../storage/trust-tables.ts';

/** A state that the control plane keeps. */
export interface KeptState {
  readonly state: LockState;
  readonly digest: string;
  /** What led to it; null for the state that its owner brought here. */
  readonly change: SignedLockChange | null;
  readonly by: string;
  readonly at: number;
}

/** Every state of every lock that was kept here, by lock, oldest first. There are few: a change needs people. */
export async function keptStates(db: Db | Trx): Promise<KeptState[]> {
  const rows = await db.selectFrom('lock_state').selectAll().orderBy('at').orderBy('number').execute();
  return rows.map(kept);
}

export async function insertState(trx: Trx, { state, digest, change, by, at }: KeptState): Promise<void> {
  await trx
    .insertInto('lock_state')
    .values({
      digest,
      number: state.number,
      state_json: JSON.stringify(state),
      change_json: change && JSON.stringify(change),
      by,
      at,
    })
    .execute();
}

function kept(row: Selectable<LockStateTable>): KeptState {
  return {
    state: JSON.parse(row.state_json) as LockState,
    digest: row.digest,
    change: row.change_json === null ? null : (JSON.parse(row.change_json) as SignedLockChange),
    by: row.by,
    at: row.at,
  };
}
