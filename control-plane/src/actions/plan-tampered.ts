/** Whether the stored plan is still the one whose digest was shown and approved. Pure. */
import { type Fault, fault } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import type { ActionTable } from '../storage/tables.ts';

/** `digest_mismatch` when the plan was changed in the store behind our back; nothing when it was not. */
export function planTampered({
  id,
  plan_json,
  digest,
}: Pick<ActionTable, 'id' | 'plan_json' | 'digest'>): Fault | undefined {
  try {
    if (digestOf(JSON.parse(plan_json)) === digest) return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  return fault('digest_mismatch', { action: id });
}
