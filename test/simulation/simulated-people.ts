/** Who is there in every simulation: an assistant's token, its owner, and people who may decide. */
import type { Caller } from '@countersign/control-plane/ports';
import type { Db } from '@countersign/control-plane/storage/database';
import { write } from '@countersign/control-plane/storage/write';
import { capabilityIds } from '@countersign/protocol';
import type { Role } from '@countersign/protocol/operator-api/index';
import { addPerson, addServer } from '../../control-plane/test/storage/rows.ts';

export const ana = { id: 'prs_0000000000aa', name: 'Ana' };
export const ben = { id: 'prs_0000000000bb', name: 'Ben' };
export const cyd = { id: 'prs_0000000000cc', name: 'Cyd' };
/** May look, not decide. */
export const dan = { id: 'prs_0000000000dd', name: 'Dan' };
export const people = [ana, ben, cyd, dan];
/** The role of each, by their number. */
export const roleOf = (n: number): Role => (['owner', 'approver', 'approver', 'viewer'] as const)[n] ?? 'viewer';

const token = { id: 'tok_0000000000aa', name: 'laptop', scope: 'request' as const };

export const assistant: Caller = {
  person: { ...ana, role: 'owner' },
  via: 'mcp',
  token,
  session: null,
  client: 'claude-code',
  ip: null,
};
export const anaHerself: Caller = {
  ...assistant,
  via: 'dashboard',
  token: null,
  session: { id: 'ses_a', strength: 'session' },
  client: null,
};

const localPolicy = { mode: 'act', maxRisk: 'critical', commands: false, readRoots: [], writeRoots: [], lock: null };
export const facts = {
  hostname: 'host',
  os: { id: 'debian', name: 'Debian', version: '12' },
  kernel: '6',
  arch: 'x64',
  cpus: 2,
  memoryBytes: 1,
  systemd: true,
  software: null,
  root: true,
  bootId: 'boot-1',
  bootedAt: 1,
};

/** Puts people, the token and servers on record. */
export function addEverybody(
  db: Db,
  servers: readonly { readonly id: string; readonly name: string; readonly publicKey?: string }[],
): Promise<void> {
  return write(db, async (trx) => {
    for (const [n, person] of people.entries()) await addPerson(trx, { ...person, role: roleOf(n) });
    const life = { created_at: 0, last_used_at: null, last_client: null, expires_at: null, revoked_at: null };
    await trx
      .insertInto('token')
      .values({ ...token, ...life, person_id: ana.id, secret_hash: 'h' })
      .execute();
    for (const { id, name, publicKey } of servers)
      await addServer(trx, {
        id,
        name,
        public_key: publicKey ?? null,
        policy_json: JSON.stringify(localPolicy),
        facts_json: JSON.stringify(facts),
        capabilities_json: JSON.stringify(capabilityIds),
      });
  });
}
