/** Queries on the copies of cards: which action is shown in which chat, and what each copy shows now. */
import { type ActionState, actionStates, isFinal } from '@countersign/protocol';
import type { Selectable } from 'kysely';
import type { Db, Trx } from '../../storage/database.ts';
import type { TelegramCardTable } from '../../storage/tables.ts';

export type Copy = Selectable<TelegramCardTable>;

/** How far an action was told in replies to its card, as `result_posted` keeps it. */
export const told = { nothing: 0, confirm: 1, unknown: 2, everything: 3 } as const;

export function copiesOf(db: Db | Trx, actionId: string): Promise<Copy[]> {
  return db.selectFrom('telegram_card').selectAll().where('action_id', '=', actionId).orderBy('chat_id').execute();
}

export function copyIn(db: Db | Trx, actionId: string, chatId: string): Promise<Copy | undefined> {
  return db
    .selectFrom('telegram_card')
    .selectAll()
    .where('action_id', '=', actionId)
    .where('chat_id', '=', chatId)
    .executeTakeFirst();
}

/** Keeps where a copy is. One that was there before in this chat is replaced. */
export async function saveCopy(trx: Trx, copy: Copy): Promise<void> {
  const { message_id, shown_hash, result_posted } = copy;
  await trx
    .insertInto('telegram_card')
    .values(copy)
    .onConflict((conflict) =>
      conflict.columns(['action_id', 'chat_id']).doUpdateSet({ message_id, shown_hash, result_posted }),
    )
    .execute();
}

/** Keeps what a copy shows now, or how far the end was told. */
export async function changeCopy(
  trx: Trx,
  copy: Pick<Copy, 'action_id' | 'chat_id'>,
  changes: Partial<Pick<Copy, 'shown_hash' | 'result_posted'>>,
): Promise<void> {
  await trx
    .updateTable('telegram_card')
    .set(changes)
    .where('action_id', '=', copy.action_id)
    .where('chat_id', '=', copy.chat_id)
    .execute();
}

export async function deleteCopy(trx: Trx, copy: Pick<Copy, 'action_id' | 'chat_id'>): Promise<void> {
  await trx
    .deleteFrom('telegram_card')
    .where('action_id', '=', copy.action_id)
    .where('chat_id', '=', copy.chat_id)
    .execute();
}

const liveStates: readonly ActionState[] = actionStates.filter((state) => !isFinal(state));

/** Actions that wait for a decision, oldest first. */
export async function waitingActions(db: Db | Trx): Promise<string[]> {
  const rows = await db
    .selectFrom('action')
    .select('id')
    .where('state', '=', 'awaiting_approval')
    .orderBy('created_at')
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Actions with a copy that may not show the end yet: those that can still change, and those of which the end was not told,
 * as far as they were asked for after `since` (milliseconds since 1970).
 */
export async function unsettledActions(db: Db | Trx, since: number): Promise<string[]> {
  const rows = await db
    .selectFrom('telegram_card')
    .innerJoin('action', 'action.id', 'telegram_card.action_id')
    .select('action.id')
    .distinct()
    .where('telegram_card.result_posted', '<', told.everything)
    .where((where) => where.or([where('action.state', 'in', [...liveStates]), where('action.created_at', '>', since)]))
    .execute();
  return rows.map(({ id }) => id);
}
