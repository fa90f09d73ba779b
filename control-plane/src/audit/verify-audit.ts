/** Checks the audit log as a person asks for it: its chain, and on request what the servers keep of it. That it was done is on record. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import type { Caller, Core, Fleet } from '../ports.ts';
import { write } from '../storage/write.ts';
import { appendEntry, whoOf } from './ledger.ts';
import { verifyAgainstServers } from './verify-against-servers.ts';
import { verifyLedger } from './verify-ledger.ts';

export interface VerifyAuditDeps extends Pick<Core, 'db' | 'clock' | 'log'> {
  readonly fleet: Pick<Fleet, 'isOnline' | 'askWitness'>;
  /** The control plane's own public key: it signed the checkpoints. */
  readonly publicKey: string;
}

/** Never rejects for what it finds. The entry that tells of it comes after all that was checked. */
export async function verifyAudit(
  deps: VerifyAuditDeps,
  caller: Caller,
  { againstServers }: { readonly againstServers: boolean },
): Promise<OutputOf<'verifyAudit'>> {
  const { ok, entries, head, checkpoints, problems } = await verifyLedger(deps);
  const against = againstServers ? await verifyAgainstServers(deps) : { ok: true, servers: [] };
  const found = {
    ...{ entries, head, checkpoints, problems: problems.map((problem) => ({ ...problem })) },
    ...{ ok: ok && against.ok, servers: against.servers },
  };
  await write(deps.db, async (trx) => {
    const { servers } = found;
    const told = servers.reduce((sum, server) => sum + server.problems.length, problems.length);
    const details = { entries, ok: found.ok, problems: told, servers: servers.length };
    await appendEntry(trx, { event: 'audit.verified', at: deps.clock.now(), who: whoOf(caller), details });
  });
  return found;
}
