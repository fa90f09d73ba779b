/** The lock of a server, as its agent told it. Pure. The runner there has the last word. */
import type { LockState } from '@countersign/protocol';
import { isLocked, localPolicySummarySchema } from '@countersign/protocol/agent-wire/facts';
import type { ServerTable } from '../storage/tables.ts';

/** Null for a server that believes the control plane: it has no lock, or one that was ended. */
export function lockOf({ policy_json }: Pick<ServerTable, 'policy_json'>): LockState | null {
  if (policy_json === null) return null;
  const { data } = localPolicySummarySchema.safeParse(JSON.parse(policy_json));
  return data !== undefined && isLocked(data) ? data.lock : null;
}
