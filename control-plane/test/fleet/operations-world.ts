/** The operations of the fleet over a real app and store, called as HTTP and MCP call them: parsed, access checked, answer checked. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, operationNames } from '@countersign/protocol/operator-api/index';
import { systemIds } from '@countersign/protocol/system-ids';
import { quickPasswords } from '../../../test/world/quick-passwords.ts';
import { attempts } from '../../src/access/attempts.ts';
import { passwords } from '../../src/access/passwords.ts';
import { insertPerson, personById } from '../../src/access/person.store.ts';
import { prove } from '../../src/access/prove.ts';
import { alertOperations } from '../../src/operations/alert-operations.ts';
import { auditOperations } from '../../src/operations/audit-operations.ts';
import { diagnosticOperations } from '../../src/operations/diagnostic-operations.ts';
import type { Handlers } from '../../src/operations/handler.ts';
import { bindOperations } from '../../src/operations/index.ts';
import { lockOperations } from '../../src/operations/lock-operations.ts';
import { overviewOperations } from '../../src/operations/overview-operations.ts';
import { serverOperations } from '../../src/operations/server-operations.ts';
import { timelineOperations } from '../../src/operations/timeline-operations.ts';
import { openPolicy } from '../../src/policy/policy-book.ts';
import type { Caller, Prove } from '../../src/ports.ts';
import { write } from '../../src/storage/write.ts';
import { builtIn } from '../playbooks/built-in.ts';
import { fleetWorld, type WorldOptions } from './fleet-world.ts';

export const owner: Caller = {
  person: { id: 'prs_000000000001', name: 'Ada', role: 'owner' },
  via: 'dashboard',
  token: null,
  session: { id: 'ses_000000000001', strength: 'session' },
  client: null,
  ip: '127.0.0.1',
};
export const assistant: Caller = {
  ...owner,
  via: 'mcp',
  token: { id: 'tok_000000000001', name: 'laptop', scope: 'read' },
  session: null,
};

/** The owner's proof, and one that is wrong. */
export const proof = { kind: 'password', password: 'correct horse battery' } as const;
export const wrongProof = { kind: 'password', password: 'incorrect horse' } as const;
const kept = passwords(systemIds, quickPasswords);
const passwordHash = kept.hash(proof.password);

export async function operationsWorld(options: WorldOptions & { tlsPin?: string } = {}) {
  const world = await fleetWorld(options);
  const { core, fleet, key, url } = world;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-fleet-'));
  const policy = await openPolicy(core, { path: join(folder, 'policy.yaml') });
  const hash = await passwordHash;
  const restored = (await personById(core.db, owner.person.id)) !== undefined;
  if (!restored)
    await write(core.db, (trx) =>
      insertPerson(trx, { ...owner.person, email: 'ada@example.org', passwordHash: hash, at: core.clock.now() }),
    );
  const access = {
    ...{ ...core, sealKey: Buffer.alloc(32), attempts: attempts(core.clock), accessEnded: () => undefined },
    passwords: kept,
    place: { publicUrl: url },
  };
  const deps = {
    ...core,
    fleet: fleet.registry,
    presence: fleet.presence,
    announceThresholds: fleet.announceThresholds,
    lockChanged: () => fleet.lockChanged(),
    rollbackAccepted: (ids: readonly string[]) => fleet.rollbackAccepted(ids),
    released: (id: string, by: string) => fleet.released(id, by),
    prove: ((caller, given, least) => prove(access, caller, given, least)) as Prove,
    place: { publicUrl: url },
    publicKey: key.publicKey,
    tlsPin: options.tlsPin ?? null,
    policy,
    playbooks: await builtIn(),
  };
  const handlers = {
    ...serverOperations(deps),
    ...diagnosticOperations(deps),
    ...alertOperations(deps),
    ...auditOperations(deps),
    ...lockOperations(deps),
    ...timelineOperations(deps),
    ...overviewOperations(deps),
  };
  const callAs = bindOperations({ ...core, handlers: handlers as Handlers });
  const as = (caller: Caller | null): Call =>
    callAs(caller, { signal: new AbortController().signal, ip: null, userAgent: null });
  return {
    ...world,
    as,
    call: as(owner),
    /** Every operation of the table that is served here. */
    served: operationNames.filter((name) => Object.hasOwn(handlers, name)),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
