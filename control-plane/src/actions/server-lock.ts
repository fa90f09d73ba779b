/** The lock of a server, as its agent told it. Pure. The runner there has the last word. */
import type { LockState } from '@countersign/protocol';
import { isLocked, localPolicySummarySchema } from '@countersign/protocol/agent-wire/facts';
import type { ServerTable } from '../storage/tables.ts';

/** Null for a server that believes the control plane: it has no lock, or one that was ended. */
export function lockOf({ policy_json }: Pick<ServerTable, 'policy_json'>): LockState | null {
  if (policy_json === null) return null;
  const told = JSON.parse(policy_json) as unknown;
  if (hasNoLock(told)) return null; // most have none: lists need not check the rest of each
  const { data } = localPolicySummarySchema.safeParse(told);
  return data !== undefined && isLocked(data) ? data.lock : null;
}

const hasNoLock = (told: unknown) => typeof told === 'object' && told !== null && 'lock' in told && told.lock === null;
