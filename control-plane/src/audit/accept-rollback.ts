/** An owner accepts that this database is older than what servers remember, so that changes may go on (fault F18). */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { contradictedServers, saveWitnessColumns } from '../fleet/witness.store.ts';
import type { Caller, Core, Prove } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { lastEntry } from './audit.store.ts';
import { appendEntry, whoOf } from './ledger.ts';
import { acceptedRollback, saveAcceptedRollback } from './rollback.store.ts';

export interface AcceptRollbackDeps extends Pick<Core, 'db' | 'clock'> {
  readonly prove: Prove;
  /** Tells those who watch over it that these servers take changes again. Never throws. */
  readonly rollbackAccepted: (serverIds: readonly string[]) => void;
}

/**
 * From now on what servers kept before this moment does not keep changes from them. The servers forget nothing: `audit verify
 * --against-servers` goes on naming what is missing, as accepted. Rejects with `nothing_to_accept` when nothing contradicts.
 */
export async function acceptRollback(
  deps: AcceptRollbackDeps,
  caller: Caller,
  { reason, proof }: { readonly reason: string; readonly proof: Proof },
): Promise<void> {
  await deps.prove(caller, proof, 'best');
  const servers = await write(deps.db, async (trx) => {
    const contradicted = await contradictedServers(trx);
    if (contradicted.length === 0) throw fault('nothing_to_accept');
    const at = deps.clock.now();
    const by = caller.person.name;
    const heads = new Set(contradicted.map(({ contradiction }) => contradiction.head));
    const before = await acceptedRollback(trx);
    await saveAcceptedRollback(trx, { at, by, reason, heads: [...new Set([...(before?.heads ?? []), ...heads])] });
    for (const { id } of contradicted) await saveWitnessColumns(trx, id, { contradiction_json: null });
    const entries = (await lastEntry(trx))?.seq ?? 0;
    const details = { reason, heads: [...heads], entries };
    await appendEntry(trx, { event: 'ledger.rollback_accepted', at, who: whoOf(caller), details });
    await addToTimeline(trx, { at, kind: 'note', title: 'The loss of audit entries was accepted', by });
    return contradicted;
  });
  deps.rollbackAccepted(servers.map(({ id }) => id));
}
