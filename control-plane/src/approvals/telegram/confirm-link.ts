/** A signed-in person confirms that the Telegram account which presented the code is theirs. From then on its taps count. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../../audit/ledger.ts';
import type { Caller, Core } from '../../ports.ts';
import { afterCommit } from '../../storage/after-commit.ts';
import { write } from '../../storage/write.ts';
import { linkOf, markLinked } from './link.store.ts';

/** How long a presented code waits for its confirmation, milliseconds. */
export const CONFIRM_MS = 10 * 60_000;

/** Rejects with `link_code_invalid` when no such account waits for this person, or has waited too long. */
export function confirmLink(
  deps: Pick<Core, 'db' | 'clock' | 'live'>,
  caller: Caller,
  telegramId: string,
): Promise<void> {
  return write(deps.db, async (trx) => {
    const now = deps.clock.now();
    const link = await linkOf(trx, caller.person.id);
    if (link?.state !== 'confirm' || link.telegram_id !== telegramId || now - link.at > CONFIRM_MS)
      throw fault('link_code_invalid');
    await markLinked(trx, caller.person.id, now);
    await appendEntry(trx, {
      event: 'telegram.linked',
      at: now,
      who: whoOf(caller),
      details: { telegram_id: link.telegram_id, telegram_name: link.telegram_name },
    });
    afterCommit(trx, () => deps.live.publish({ type: 'telegram_link', person: caller.person.id }));
  });
}
