/**
 * Puts the rules of an amendment in force. The file cannot be part of a transaction: it is written first, then the amendment is
 * marked as made. Doing it again is harmless, so the sweep does it for what a crash left before or between the two.
 */
import { Fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { Who } from '../audit/ledger.ts';
import { asFile } from '../policy/policy-book.ts';
import { write } from '../storage/write.ts';
import type { Amendment } from './amendment.store.ts';
import { type Change, kept } from './change.ts';
import { endAsOver } from './end-amendment.ts';
import { type AmendmentDeps, endAsMade } from './make-amendment.ts';

/** Rejects with `outdated` when other rules are in force by now than those that were to be replaced; then the amendment is over. */
export async function putInForce(
  deps: AmendmentDeps,
  who: Who,
  row: Amendment,
  { yaml, before }: Extract<Change, { does: 'set_policy' }>,
): Promise<void> {
  try {
    await deps.policy.replace(yaml, before);
  } catch (error) {
    // Of two who agree at the same moment, the second finds its own rules in force.
    if (!(await isInForce(deps, row))) {
      if (error instanceof Fault)
        await endAsOver(deps, who, row, { state: 'expired', why: 'other rules were put in force meanwhile' });
      throw error;
    }
  }
  await write(deps.db, 'amendments.put_in_force', (trx) => endAsMade(trx, deps, who, row));
}

async function isInForce({ policy }: AmendmentDeps, row: Amendment): Promise<boolean> {
  const { change } = kept(row.change_json);
  return change.does === 'set_policy' && (await policy.current()).sha256 === sha256(asFile(change.yaml));
}
