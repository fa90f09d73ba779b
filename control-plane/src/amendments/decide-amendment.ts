/** Another owner agrees to an amendment or declines it; who asked for it withdraws it. */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { proofMissing } from '../access/prove.ts';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import { insertVote } from './amendment.store.ts';
import { isCollected } from './change.ts';
import { endAsOver } from './end-amendment.ts';
import { type AmendmentDeps, makeChange } from './make-amendment.ts';
import { putInForce } from './put-in-force.ts';
import { agreedBy, mustStillHold, type OpenAmendment, openAmendment } from './still-holds.ts';

/**
 * Agreeing takes a fresh proof as strong as the rule asks for. The last one who has to agree makes the change; a token or an
 * invitation is then collected by who asked for it. Rejects with `amendment_closed`, `outdated`, `proof_needed`, or `forbidden`
 * for one's own amendment (T25).
 */
export async function decideAmendment(
  deps: AmendmentDeps,
  caller: Caller,
  {
    amendment: id,
    verdict,
    proof,
  }: { amendment: string; verdict: 'agree' | 'decline' | 'withdraw'; proof?: Proof | undefined },
): Promise<void> {
  const amendment = await openAmendment(deps, id);
  const { row } = amendment;
  const own = row.by_person === caller.person.id;
  if (verdict === 'withdraw') {
    if (!own) throw fault('forbidden', { what: 'Withdrawing what somebody else asked for' });
    return mustHaveEnded(id, await endAsOver(deps, whoOf(caller), row, { state: 'withdrawn' }));
  }
  // Approvers ask for tokens, and may take that back; the rest is for owners.
  if (caller.person.role !== 'owner') throw fault('forbidden', { what: 'Deciding on an amendment' });
  if (own) throw fault('forbidden', { what: 'Deciding on one’s own amendment' });
  if (verdict === 'decline')
    return mustHaveEnded(id, await endAsOver(deps, whoOf(caller), row, { state: 'declined', by: caller.person.id }));
  const { strength } = amendment.ask;
  if (proof === undefined) return proofMissing(deps, caller.person.id, strength);
  await deps.prove(caller, proof, strength);
  await mustStillHold(deps, amendment);
  await agree(deps, caller, amendment);
}

async function agree(deps: AmendmentDeps, caller: Caller, { row, change }: OpenAmendment): Promise<void> {
  const enough = await write(deps.db, async (trx) => {
    const at = deps.clock.now();
    const first = await insertVote(trx, row.id, caller.person.id, at);
    const given = await agreedBy(trx, row);
    if (first) {
      const details = { amendment: row.id, kind: row.kind, title: row.title, given, needed: row.others_needed };
      await appendEntry(trx, { event: 'amendment.agreed', at, who: whoOf(caller), details });
    }
    const all = given >= row.others_needed;
    if (all && change.does !== 'set_policy' && !isCollected(change)) await makeChange(trx, deps, caller, row);
    return all;
  });
  if (enough && change.does === 'set_policy') await putInForce(deps, whoOf(caller), row, change);
}

function mustHaveEnded(amendment: string, ended: boolean): void {
  if (!ended) throw fault('amendment_closed', { amendment, state: 'over' });
}
