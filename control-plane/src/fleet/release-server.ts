/** An owner has looked at who else used the identity of a server, and lets changes go there again (threat T2). */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Core, Prove } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { isQuarantined } from './quarantine.store.ts';
import { resolveServerUnderCare } from './resolve-server.ts';

export interface ReleaseServerDeps extends Pick<Core, 'db' | 'clock'> {
  readonly prove: Prove;
  /** Ends the alert of a server. Resolves when that is stored. */
  readonly released: (serverId: string, by: string) => Promise<void>;
}

/**
 * The key stays as it is: who copied it can still use it while the server is away, and is then quarantined again. Rejects with
 * `invalid_input` when the server is not in quarantine.
 */
export async function releaseServer(
  deps: ReleaseServerDeps,
  caller: Caller,
  { server: ref, reason, proof }: { readonly server: string; readonly reason: string; readonly proof: Proof },
): Promise<void> {
  const server = await resolveServerUnderCare(deps.db, ref);
  await deps.prove(caller, proof, 'best');
  await write(deps.db, async (trx) => {
    if (!(await isQuarantined(trx, server.id)))
      throw fault('invalid_input', { problems: `server: no second agent used the identity of ${server.name}` });
    const at = deps.clock.now();
    const by = caller.person.name;
    const serverId = server.id;
    await appendEntry(trx, { event: 'server.released', at, who: whoOf(caller), serverId, details: { reason } });
    await addToTimeline(trx, { at, kind: 'server', title: `${server.name} takes changes again`, serverId, by });
  });
  await deps.released(server.id, caller.person.name);
}
