/**
 * Puts thousands of enrolled servers into a store whose control plane does not run, by the same use cases that would do it one by one.
 * The agents come later, with the real handshake.
 */
import { join } from 'node:path';
import { whoIs } from '@countersign/control-plane/audit/ledger';
import { addServer } from '@countersign/control-plane/fleet/add-server';
import { enrol } from '@countersign/control-plane/fleet/enroll';
import { openDatabase } from '@countersign/control-plane/storage/database';
import { systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { keyOf, nameOf, roleOf } from './fleet-roles.ts';
import { ordinaryAgent } from './ordinary-agent.ts';

/** So many at a time, since those that wait at the same time share a commit. */
const LANES = 64;

/** Adds and enrols servers. Returns their ids, in the order of their numbers. */
export async function enrolMany(dataDir: string, servers: number): Promise<string[]> {
  const db = await openDatabase({ path: join(dataDir, 'countersign.db') });
  const deps = { db, clock: systemClock, ids: systemIds, live: { publish: () => undefined } };
  const { agentVersion, facts } = ordinaryAgent();
  const ids: string[] = [];
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < servers; n = next++) {
      const labels = { role: roleOf(n, servers) };
      const { server, token } = await addServer(deps, whoIs('system'), { name: nameOf(n), labels });
      const hello = { agentVersion, facts: { ...facts, hostname: nameOf(n) } };
      await enrol(deps, { token, publicKey: keyOf(n).publicKey, hello, ip: '127.0.0.1' });
      ids[n] = server.id;
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
    return ids;
  } finally {
    await db.destroy();
  }
}
