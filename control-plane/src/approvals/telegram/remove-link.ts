/** Takes the Telegram account from a person: from the dashboard, or by /unlink. */

import { deleteUnused } from '../../access/one-use.store.ts';
import { appendEntry, whoOf } from '../../audit/ledger.ts';
import type { Caller, Core } from '../../ports.ts';
import { afterCommit } from '../../storage/after-commit.ts';
import { write } from '../../storage/write.ts';
import { deleteLink, type LinkRow, linkOf } from './link.store.ts';

/** Returns the link that was there, if one was. A pairing code that was given out ends with it. */
export function removeLink(deps: Pick<Core, 'db' | 'clock' | 'live'>, caller: Caller): Promise<LinkRow | undefined> {
  return write(deps.db, async (trx) => {
    const personId = caller.person.id;
    const link = await linkOf(trx, personId);
    await deleteUnused(trx, 'telegram_link', personId);
    if (link) await deleteLink(trx, personId);
    if (link?.state === 'linked')
      await appendEntry(trx, {
        event: 'telegram.unlinked',
        at: deps.clock.now(),
        who: whoOf(caller),
        details: { telegram_id: link.telegram_id, telegram_name: link.telegram_name },
      });
    afterCommit(trx, () => deps.live.publish({ type: 'telegram_link', person: personId }));
    return link;
  });
}
