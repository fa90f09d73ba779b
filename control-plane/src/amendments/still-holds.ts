/** Whether an amendment that waits may still be made: it is judged by the rules in force, and by those it was asked under. */
import { fault } from '@countersign/protocol';
import { personById } from '../access/person.store.ts';
import { whoIs } from '../audit/ledger.ts';
import { type AdministrationAsk, askForChange, sameAsk } from '../policy/administration.ts';
import { type Amendment, amendmentById, votesOf } from './amendment.store.ts';
import { type Change, kept, makesOwner } from './change.ts';
import { endAsOver } from './end-amendment.ts';
import type { AmendmentDeps } from './make-amendment.ts';

export interface OpenAmendment {
  readonly row: Amendment;
  readonly change: Change;
  readonly ask: AdministrationAsk;
}

/** An amendment that waits. Rejects with `not_found` or `amendment_closed`. */
export async function openAmendment(deps: AmendmentDeps, id: string): Promise<OpenAmendment> {
  const row = await amendmentById(deps.db, id);
  if (row === undefined) throw fault('not_found', { what: 'amendment', id });
  if (row.state === 'proposed' && row.expires_at <= deps.clock.now()) {
    await endAsOver(deps, whoIs('clock'), row, { state: 'expired', why: 'nobody made it in time' });
    throw fault('amendment_closed', { amendment: id, state: 'expired' });
  }
  if (row.state !== 'proposed') throw fault('amendment_closed', { amendment: id, state: row.state });
  const { change, strength } = kept(row.change_json);
  return { row, change, ask: { rule: row.rule, others: row.others_needed, strength } };
}

/**
 * Ends an amendment, and rejects with `outdated`, when another rule is in force for such changes than the one under which it was
 * asked for, or who asked for it may not any more. So nobody gets a change through under a rule that was weakened or replaced.
 */
export async function mustStillHold(deps: AmendmentDeps, { row, change, ask }: OpenAmendment): Promise<void> {
  const { policy } = await deps.policy.current();
  const asker = await personById(deps.db, row.by_person);
  const mayAsk = asker !== undefined && (change.does === 'create_token' || asker.role === 'owner');
  const why = !sameAsk(askForChange(policy, row.kind, { makesOwner: makesOwner(change) }), ask)
    ? 'another rule is in force for such changes'
    : mayAsk
      ? null
      : 'who asked for it is no owner any more';
  if (why === null) return;
  await endAsOver(deps, whoIs('policy'), row, { state: 'expired', why });
  throw fault('outdated', { what: why });
}

/** How many owners agreed whose word counts now: not of who asked, not of who is no owner any more. */
export async function agreedBy(db: Parameters<typeof votesOf>[0], row: Amendment): Promise<number> {
  return (await votesOf(db, row.id)).filter(({ id, counts }) => counts && id !== row.by_person).length;
}
