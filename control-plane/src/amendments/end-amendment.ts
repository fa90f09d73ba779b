/** Ends an amendment without making it: declined, withdrawn, or expired for a reason. */
import { appendEntry, type Who } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import { type Amendment, endAmendment } from './amendment.store.ts';
import type { AmendmentDeps } from './make-amendment.ts';

export type Over =
  | { readonly state: 'declined'; readonly by: string }
  | { readonly state: 'withdrawn' }
  | { readonly state: 'expired'; readonly why: string };

/** False when it was over already. */
export function endAsOver(
  deps: Pick<AmendmentDeps, 'db' | 'clock'>,
  who: Who,
  row: Amendment,
  over: Over,
): Promise<boolean> {
  return write(deps.db, async (trx) => {
    const at = deps.clock.now();
    const end = { state: over.state, at, ...(over.state === 'declined' && { declinedBy: over.by }) };
    if (!(await endAmendment(trx, row.id, end))) return false;
    const details = { amendment: row.id, kind: row.kind, title: row.title };
    if (over.state === 'expired')
      await appendEntry(trx, { event: 'amendment.expired', at, who, details: { ...details, why: over.why } });
    else await appendEntry(trx, { event: `amendment.${over.state}`, at, who, details });
    return true;
  });
}
