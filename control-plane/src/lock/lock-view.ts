/** The lock as the operator API shows it: its state, its changes, and how far each server has come. */
import { type LocalPolicySummary, localPolicySummarySchema } from '@countersign/protocol/agent-wire/facts';
import { changeDigest } from '@countersign/protocol/follow-lock';
import { HIDDEN_SECRET, type SignedLockChange } from '@countersign/protocol/lock';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { policiesOfServers } from '../fleet/server.store.ts';
import type { Db } from '../storage/database.ts';
import { keptStates } from './lock.store.ts';
import { presentLock, standingOf, unbroken } from './lock-chain.ts';

export async function lockView(deps: {
  readonly db: Db;
  readonly isOnline: (serverId: string) => boolean;
}): Promise<OutputOf<'getLock'>> {
  const kept = await keptStates(deps.db);
  const states = unbroken(presentLock(kept));
  const newest = states.at(-1);
  const servers = await policiesOfServers(deps.db);
  return {
    state: newest?.state ?? null,
    state_digest: newest?.digest ?? null,
    first: states[0]?.state ?? null,
    changes: states.flatMap(({ change, by }) =>
      change ? [{ change: concealed(change), digest: changeDigest(change.change), by }] : [],
    ),
    servers: servers.map(({ id, name, policy_json }) => {
      const { state, number } = standingOf(toldPolicy(policy_json), kept);
      return { server: { id, name }, state, number, online: deps.isOnline(id) };
    }),
  };
}

/** The secret goes to servers only: one that has not heard of the end yet would still take it from anybody. */
function concealed(signed: SignedLockChange): SignedLockChange {
  const { change } = signed.change;
  if (change.kind !== 'disable') return signed;
  return { ...signed, change: { ...signed.change, change: { ...change, secret: HIDDEN_SECRET } } };
}

/** What a server told of its policy, where it told in a form that we know. */
export function toldPolicy(json: string | null): LocalPolicySummary | null {
  return json === null ? null : (localPolicySummarySchema.safeParse(JSON.parse(json)).data ?? null);
}
