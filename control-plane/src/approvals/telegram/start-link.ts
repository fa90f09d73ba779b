/** Makes the one-use deep link by which a signed-in person pairs a Telegram account. */
import { fault } from '@countersign/protocol';
import { makeOneUseSecret } from '../../access/one-use.ts';
import { appendEntry, whoOf } from '../../audit/ledger.ts';
import type { Caller, Core } from '../../ports.ts';
import { write } from '../../storage/write.ts';
import type { BotState } from './health.ts';

/** Telegram takes 64 characters of `A-Z a-z 0-9 _ -` after `?start=`. */
const PREFIX = 'cst_';
const CODE_MS = 5 * 60_000;

/**
 * The link to open in Telegram; it works once and for five minutes, and ends a link that was made before. The caller's
 * password was checked already. `expiresAt` is milliseconds since 1970. Rejects with `telegram_unreachable` while nobody
 * knows the bot's name.
 */
export async function startLink(
  deps: Pick<Core, 'db' | 'clock' | 'ids' | 'live'>,
  bot: BotState,
  caller: Caller,
): Promise<{ url: string; code: string; expiresAt: number }> {
  if (bot.username === '') throw fault('telegram_unreachable', { problem: bot.problem ?? 'it is not connected yet' });
  const { secret, expiresAt } = await write(deps.db, async (trx) => {
    await appendEntry(trx, { event: 'telegram.link_started', at: deps.clock.now(), who: whoOf(caller) });
    const subject = { purpose: 'telegram_link', subjectId: caller.person.id, prefix: PREFIX, ttlMs: CODE_MS } as const;
    return makeOneUseSecret(trx, deps, subject);
  });
  deps.live.publish({ type: 'telegram_link', person: caller.person.id });
  return { url: `https://t.me/${bot.username}?start=${secret}`, code: secret, expiresAt };
}
