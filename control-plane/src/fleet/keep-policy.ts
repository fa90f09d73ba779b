/** Keeps what a server tells of its own policy, and puts a change of it on record. */
import { isLocked, type LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import { stateDigest } from '@countersign/protocol/follow-lock';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { savePolicy, serverById } from './server.store.ts';

/** Takes a policy that was told after the hello. Nothing is written when it is the one that is known. */
export async function keepPolicy(
  deps: Pick<Core, 'db' | 'clock' | 'live'>,
  serverId: string,
  policy: LocalPolicySummary,
): Promise<void> {
  const server = await serverById(deps.db, serverId);
  if (server === undefined || server.policy_json === JSON.stringify(policy)) return;
  await write(deps.db, 'fleet.keep_policy', async (trx) => {
    await savePolicy(trx, serverId, policy);
    await auditPolicy(trx, serverId, policy, { ip: null, at: deps.clock.now() });
  });
  deps.live.publish({ type: 'server', id: serverId });
}

export async function auditPolicy(
  trx: Trx,
  serverId: string,
  policy: LocalPolicySummary,
  { ip, at }: { readonly ip: string | null; readonly at: number },
): Promise<void> {
  const { mode, maxRisk, commands, lock } = policy;
  await appendEntry(trx, {
    event: 'server.policy_changed',
    at,
    who: whoIs('agent', ip),
    serverId,
    details: {
      ...{ mode, max_risk: maxRisk, commands, locked: isLocked(policy) },
      ...(lock && { lock_number: lock.number, lock_digest: stateDigest(lock) }),
    },
  });
}
