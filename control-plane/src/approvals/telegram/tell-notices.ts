/**
 * Tells people, in a message of its own, what they should hear of without looking: see `notice-words.ts`. What is to be told is
 * taken from the audit log, once per entry and chat, and kept until Telegram took it, so a restart or an outage loses nothing.
 * A message of which the answer was lost comes twice.
 */
import { InlineKeyboard } from 'grammy';
import { lastEntry } from '../../audit/audit.store.ts';
import { entriesOf } from '../../audit/audit-index.store.ts';
import type { EntryBody } from '../../audit/entry.ts';
import { serverById } from '../../fleet/server.store.ts';
import { write } from '../../storage/write.ts';
import { buttonUrl } from './card-keyboard.ts';
import { linkedPeopleWith, linkedPerson } from './link.store.ts';
import { deleteNotice, insertNotices, lookedUpTo, saveLookedUpTo, untoldNotices } from './notice.store.ts';
import { concerns, noticedEvents, noticeText } from './notice-words.ts';
import { sendText } from './send-text.ts';
import type { Telegram } from './telegram-deps.ts';
import { troubleOf } from './trouble.ts';

export interface NoticeDeps extends Telegram {
  /** Chats of people who blocked the bot. */
  readonly closedChats: ReadonlySet<string>;
}

const AT_ONCE = 100;

/** Rejects when the store does; that Telegram does not answer is tried again with the next call. */
export async function tellNotices(deps: NoticeDeps): Promise<void> {
  await collect(deps);
  if (!deps.health.state().ok) return;
  for (const notice of await untoldNotices(deps.db, AT_ONCE)) {
    const entry = JSON.parse(notice.body) as EntryBody;
    const person = await linkedPerson(deps.db, notice.chat_id);
    // Who was unlinked, or lost the role, meanwhile is not told.
    const wanted = person !== undefined && concerns(entry, person) && !deps.closedChats.has(notice.chat_id);
    if (wanted && !(await send(deps, notice.chat_id, entry))) return;
    await write(deps.db, (trx) => deleteNotice(trx, notice));
  }
}

/** The first look tells nothing: what happened before there was a bot is old. */
async function collect({ db }: NoticeDeps): Promise<void> {
  const from = await lookedUpTo(db);
  if (from !== undefined && (await entriesOf(db, noticedEvents, from, 1)).length === 0) return;
  await write(db, async (trx) => {
    const after = await lookedUpTo(trx);
    if (after === undefined) return saveLookedUpTo(trx, (await lastEntry(trx))?.seq ?? 0);
    const entries = await entriesOf(trx, noticedEvents, after, AT_ONCE);
    const people = await linkedPeopleWith(trx, ['viewer', 'approver', 'owner']);
    const notices = entries.flatMap(({ seq, body }) =>
      people
        .filter((person) => concerns(JSON.parse(body) as EntryBody, person))
        .map(({ telegramId }) => ({ audit_seq: seq, chat_id: telegramId })),
    );
    await insertNotices(trx, notices);
    await saveLookedUpTo(trx, entries.at(-1)?.seq ?? after);
  });
}

/** Whether it is done with: sent, or refused for good. */
async function send(deps: NoticeDeps, chatId: string, entry: EntryBody): Promise<boolean> {
  const server = entry.server === null ? undefined : await serverById(deps.db, entry.server);
  const url = buttonUrl(deps.place.publicUrl);
  const keyboard = url === null ? undefined : new InlineKeyboard().url('Open the dashboard', url);
  try {
    await sendText(deps.api, chatId, noticeText(entry, server?.name ?? entry.server ?? ''), { keyboard });
    return true;
  } catch (error) {
    const { kind, words } = troubleOf(error);
    deps.log.warn('telegram.notice_not_sent', { entry: entry.seq, problem: words });
    return kind === 'refused' || kind === 'chat_closed';
  }
}
