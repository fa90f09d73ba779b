/** A Telegram account presents a pairing code. It counts for nothing until the person confirms it in the dashboard. */
import { fault } from '@countersign/protocol';
import { peekOneUseSecret, useOneUseSecret } from '../../access/one-use.ts';
import { appendEntry } from '../../audit/ledger.ts';
import type { Core } from '../../ports.ts';
import { afterCommit } from '../../storage/after-commit.ts';
import type { Trx } from '../../storage/database.ts';
import { write } from '../../storage/write.ts';
import { deleteLink, insertLink, linkAt, linkOf, nameOfPerson } from './link.store.ts';

export interface TelegramAccount {
  readonly id: string;
  /** As Telegram shows it, made safe to read. */
  readonly name: string;
}

/** `taken`: the account is linked to a person already (this one or another), and the code was not used up. */
export type Claimed =
  | { readonly outcome: 'confirm'; readonly person: { readonly name: string; readonly email: string } }
  | { readonly outcome: 'taken' };

/** Uses the code up and notes the account as waiting. Rejects with `link_code_invalid`. */
export function claimLink(
  deps: Pick<Core, 'db' | 'clock' | 'live'>,
  account: TelegramAccount,
  code: string,
): Promise<Claimed> {
  return write(deps.db, async (trx) => {
    const purpose = { purpose: 'telegram_link', secret: code } as const;
    if ((await peekOneUseSecret(trx, deps, purpose)) === null) throw fault('link_code_invalid');
    const known = await linkAt(trx, account.id);
    if (known?.state === 'linked' && (await nameOfPerson(trx, known.person_id))) return { outcome: 'taken' };
    const used = await useOneUseSecret(trx, deps, purpose);
    const personId = used?.subjectId ?? null;
    const person = personId === null ? undefined : await nameOfPerson(trx, personId);
    if (personId === null || person === undefined) throw fault('link_code_invalid');
    if (known) await deleteLink(trx, known.person_id);
    await endFormerLink(trx, deps, { id: personId, name: person.name });
    await insertLink(trx, {
      person_id: personId,
      telegram_id: account.id,
      telegram_name: account.name,
      state: 'confirm',
      at: deps.clock.now(),
    });
    afterCommit(trx, () => deps.live.publish({ type: 'telegram_link', person: personId }));
    return { outcome: 'confirm', person };
  });
}

/** A person has one Telegram account: whoever pairs another one gives up the first. */
async function endFormerLink(trx: Trx, { clock }: Pick<Core, 'clock'>, person: { id: string; name: string }) {
  const former = await linkOf(trx, person.id);
  if (!former) return;
  await deleteLink(trx, person.id);
  if (former.state !== 'linked') return;
  await appendEntry(trx, {
    event: 'telegram.unlinked',
    at: clock.now(),
    who: { person, token: null, client: 'Telegram', ip: null, by: 'person' },
    details: { telegram_id: former.telegram_id, telegram_name: former.telegram_name },
  });
}
