/** Who asked for a token or an invitation collects it, once the others agreed: its secret is shown to nobody else. */
import { fault } from '@countersign/protocol';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import { isCollected } from './change.ts';
import { type AmendmentDeps, type Collected, makeCollected } from './make-amendment.ts';
import { agreedBy, mustStillHold, openAmendment } from './still-holds.ts';

/** Rejects with `agreement_needed` while others have to agree, `amendment_closed` when it was collected or is over, `not_found`. */
export async function collectAmendment(deps: AmendmentDeps, caller: Caller, id: string): Promise<Collected> {
  const amendment = await openAmendment(deps, id);
  const { row, change } = amendment;
  if (row.by_person !== caller.person.id || !isCollected(change))
    throw fault('not_found', { what: 'token or invitation of yours under amendment', id });
  await mustStillHold(deps, amendment);
  const made = await write(deps.db, async (trx) => {
    if ((await agreedBy(trx, row)) < row.others_needed)
      throw fault('agreement_needed', { rule: row.rule, needed: row.others_needed, amendment: id });
    return makeCollected(trx, deps, caller, { row, change });
  });
  if (made === null) throw fault('amendment_closed', { amendment: id, state: 'made' });
  return made;
}
