/** Queries on notices: entries of the audit log that are still to be told in a chat, and how far the log was looked through. */
import type { Db, Trx } from '../../storage/database.ts';
import type { TelegramNoticeTable } from '../../storage/tables.ts';

const name = 'telegram.notices_up_to';

/** The entry up to which the log was looked through; undefined before the first look. */
export async function lookedUpTo(db: Db | Trx): Promise<number | undefined> {
  const found = await db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst();
  return found === undefined ? undefined : Number(found.value);
}

export async function saveLookedUpTo(trx: Trx, seq: number): Promise<void> {
  const value = String(seq);
  await trx
    .insertInto('setting')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

export async function insertNotices(trx: Trx, notices: readonly TelegramNoticeTable[]): Promise<void> {
  if (notices.length === 0) return;
  await trx
    .insertInto('telegram_notice')
    .values([...notices])
    .onConflict((conflict) => conflict.columns(['audit_seq', 'chat_id']).doNothing())
    .execute();
}

/** Notices that are still to be told, with their entry, oldest first. */
export function untoldNotices(db: Db | Trx, limit: number): Promise<(TelegramNoticeTable & { body: string })[]> {
  return db
    .selectFrom('telegram_notice')
    .innerJoin('audit_entry', 'audit_entry.seq', 'telegram_notice.audit_seq')
    .select(['telegram_notice.audit_seq', 'telegram_notice.chat_id', 'audit_entry.body'])
    .orderBy('telegram_notice.audit_seq')
    .limit(limit)
    .execute();
}

export async function deleteNotice(trx: Trx, { audit_seq, chat_id }: TelegramNoticeTable): Promise<void> {
  await trx.deleteFrom('telegram_notice').where('audit_seq', '=', audit_seq).where('chat_id', '=', chat_id).execute();
}
