/** The heart of the control plane on a real database, with a clock that the test moves. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Playbook, parsePlaybook } from '@countersign/playbooks';
import type { ActionResult } from '@countersign/protocol';
import {
  capabilityIds,
  type ErrorCode,
  Fault,
  fault,
  type LiveEvent,
  type LockState,
  type Risk,
  type Strength,
} from '@countersign/protocol';
import { makeSigningKey } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import { actionById } from '../../src/actions/action.store.ts';
import { type ActionDeps, actionLimits } from '../../src/actions/action-deps.ts';
import { decide, type Verdict } from '../../src/actions/decide.ts';
import { makeFollowers } from '../../src/actions/followers.ts';
import { type ProposeRequest, propose } from '../../src/actions/propose.ts';
import { serverById } from '../../src/fleet/server.store.ts';
import { openPolicy } from '../../src/policy/policy-book.ts';
import type { ApprovalChannel, Caller, Prove } from '../../src/ports.ts';
import { write } from '../../src/storage/write.ts';
import { builtIn } from '../playbooks/built-in.ts';
import { addPerson, addServer } from '../storage/rows.ts';
import { type Lifetime, tempDatabase, tempFolder } from '../storage/temp-database.ts';
import { manualClock } from './manual-clock.ts';
import { SmallFleet } from './small-fleet.ts';

export const web1 = 'srv_000000000001';
export const db1 = 'srv_000000000002';
export const ana = { id: 'prs_0000000000aa', name: 'Ana' };
export const ben = { id: 'prs_0000000000bb', name: 'Ben' };
export const tokenOfAna = { id: 'tok_0000000000aa', name: 'laptop', scope: 'request' as const };

export const assistant: Caller = {
  person: { ...ana, role: 'owner' },
  via: 'mcp',
  token: tokenOfAna,
  session: null,
  client: 'claude-code',
  ip: '127.0.0.1',
};
export const anaAtDashboard: Caller = {
  ...assistant,
  via: 'dashboard',
  token: null,
  session: { id: 'ses_a', strength: 'session' },
  client: null,
};

/** A channel that reaches people as long as `reaches` says so, and keeps what it was told. */
export class SmallChannel implements ApprovalChannel {
  readonly name: ApprovalChannel['name'];
  readonly keepsCopies = true;
  reaches = true;
  readonly told: string[] = [];

  constructor(name: ApprovalChannel['name']) {
    this.name = name;
  }

  canReach = async () => this.reaches;
  announce = async (actionId: string) => void this.told.push(`announce ${actionId}`);
  update = async (actionId: string) => void this.told.push(`update ${actionId}`);
}

/** A rule of an owner that takes taps at high risk; the built-in policy does not. */
export const twoTaps =
  '  - {name: two-taps, when: {risk: [high]}, ask: {channels: [telegram, web, cli], strength: tap}}';

/** A playbook of one step at each risk, beside those of the library. */
function playbookAt(risk: Risk): Playbook {
  const text = `id: test.${risk}
version: 1
title: Restart {{unit}}
summary: For tests.
risk: ${risk}
parameters:
  unit: { type: unit, summary: Which. }
  watch: { type: duration, default: 5s, summary: How long it must stay up. }
steps: [{ id: go, capability: ${risk === 'low' ? 'unit.reload' : 'unit.restart'}, parameters: { unit: "{{unit}}" } }]
check: { settle: 1s, stable: "{{watch}}", probes: [{ capability: unit.state, parameters: { unit: "{{unit}}" }, expect: { active_state: { is: active } } }] }
`;
  const parsed = parsePlaybook(text, { file: `${risk}.yaml` });
  assert.ok(!parsed.problems, JSON.stringify(parsed.problems));
  return parsed.playbook;
}

const risks = ['low', 'medium', 'high', 'critical'] as const;
const small = risks.map((risk) => [`test.${risk}`, playbookAt(risk)] as const);

export interface HeartOptions {
  readonly policy?: string;
  readonly limits?: Partial<ActionDeps['limits']>;
  /** Keeps the database in memory. */
  readonly memory?: boolean;
}

export async function heart(t: Lifetime, options: HeartOptions = {}) {
  const { db, path } = await tempDatabase(t, options);
  const clock = manualClock();
  const problems: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (event: string, fields: unknown) => problems.push([event, fields]),
  };
  const policyPath = join(await tempFolder(t), 'policy.yaml');
  if (options.policy !== undefined) await setPolicy(options.policy);
  async function setPolicy(rules: string) {
    await writeFile(policyPath, `format: countersign-policy/1\nrules:\n${rules}\n`);
  }
  await write(db, async (trx) => {
    const policy_json = JSON.stringify({
      mode: 'act',
      maxRisk: 'critical',
      commands: true,
      readRoots: [],
      writeRoots: [],
      lock: null,
    });
    const facts_json = JSON.stringify({
      hostname: 'web-1',
      os: { id: 'debian', name: 'Debian', version: '12' },
      kernel: '6',
      arch: 'x64',
      cpus: 2,
      memoryBytes: 1,
      systemd: true,
      root: true,
      bootId: 'b',
      bootedAt: 1,
    });
    const usual = {
      policy_json,
      facts_json,
      capabilities_json: JSON.stringify(capabilityIds),
      last_seen_at: clock.now(),
    };
    await addServer(trx, { id: web1, name: 'web-1', labels_json: '{"env":"production"}', ...usual });
    await addServer(trx, { id: db1, name: 'db-1', ...usual });
    await addPerson(trx, { ...ana, role: 'owner' });
    await addPerson(trx, { ...ben, role: 'approver' });
    const token = {
      person_id: ana.id,
      secret_hash: 'h',
      created_at: 0,
      last_used_at: null,
      last_client: null,
      expires_at: null,
      revoked_at: null,
    };
    await trx
      .insertInto('token')
      .values({ ...token, ...tokenOfAna })
      .execute();
  });
  const fleet = new SmallFleet();
  fleet.online.add(web1).add(db1);
  const live: LiveEvent[] = [];
  const telegram = new SmallChannel('telegram');
  const web = new SmallChannel('web');
  const playbooks = new Map([...(await builtIn()), ...small]);
  const deps: ActionDeps = {
    db,
    clock,
    ids: systemIds,
    log,
    fleet,
    playbooks,
    live: { publish: (event) => void live.push(event) },
    policy: await openPolicy({ db, clock, log }, { path: policyPath }),
    channels: [telegram, web],
    followers: makeFollowers(log),
    key: makeSigningKey(),
    limits: { ...actionLimits, ...options.limits },
    party: () => ({ id: 'ops.example.org', origins: ['https://ops.example.org'] }),
  };
  const proofs: string[] = [];
  /** Takes the password `right`, and keeps who gave a proof. */
  const prove: Prove = async (caller, proof) => {
    proofs.push(caller.person.name);
    if (proof.kind !== 'password' || proof.password !== 'right') throw fault('sign_in_failed');
    return 'session';
  };
  return {
    deps,
    prove,
    proofs,
    /** Has web-1 follow a lock from now on; `null` ends it. */
    lock: (state: LockState | null, server = web1) =>
      write(db, async (trx) => {
        const row = await serverById(trx, server);
        const policy = { ...JSON.parse(row?.policy_json ?? '{}'), lock: state };
        await trx
          .updateTable('server')
          .set({ policy_json: JSON.stringify(policy) })
          .where('id', '=', server)
          .execute();
      }),
    db,
    path,
    clock,
    fleet,
    live,
    telegram,
    web,
    problems,
    setPolicy,
    /** Asks for a restart of nginx on web-1, at medium risk unless told. */
    ask: (change: Partial<ProposeRequest> & { risk?: Risk; unit?: string; caller?: Caller } = {}) =>
      propose(deps, change.caller ?? assistant, {
        server: 'web-1',
        wanted: {
          kind: 'playbook',
          playbook: `test.${change.risk ?? 'medium'}`,
          parameters: { unit: change.unit ?? 'nginx' },
        },
        ...change,
      }),
    /** Ben's answer in Telegram, unless told. */
    answer: async (actionId: string, change: Partial<Verdict> = {}) => {
      const row = await actionById(db, actionId);
      const strength: Strength = 'tap';
      return decide(deps, {
        actionId,
        digest: row?.digest ?? '',
        verdict: 'approve',
        person: ben,
        channel: 'telegram',
        strength,
        secondTap: true,
        ...change,
      });
    },
    stateOf: async (actionId: string) => (await actionById(db, actionId))?.state,
    row: async (actionId: string) => (await actionById(db, actionId)) ?? assert.fail(`no action ${actionId}`),
    events: async (actionId?: string) => {
      const rows = await db.selectFrom('audit_entry').select(['event', 'action_id', 'body']).orderBy('seq').execute();
      return rows.filter((row) => actionId === undefined || row.action_id === actionId).map(({ event }) => event);
    },
    lastDetails: async (event: string) => {
      const rows = await db
        .selectFrom('audit_entry')
        .select('body')
        .where('event', '=', event)
        .orderBy('seq', 'desc')
        .limit(1)
        .execute();
      return JSON.parse(rows[0]?.body ?? 'null') as {
        who: { by: string; person: { name: string } | null };
        details: Record<string, unknown>;
      } | null;
    },
  };
}
export type Heart = Awaited<ReturnType<typeof heart>>;

export function hasCode(code: ErrorCode, words?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof Fault, `expected a fault, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    if (words) assert.match(error.message, words);
    return true;
  };
}

export function resultOf(outcome: ActionResult['outcome'], change: Partial<ActionResult> = {}): ActionResult {
  return {
    outcome,
    summary: `It ${outcome}.`,
    steps: [
      {
        step: 'go',
        state: outcome === 'succeeded' ? 'done' : 'failed',
        exitCode: 0,
        startedAt: 1,
        finishedAt: 2,
        summary: 'Done.',
      },
    ],
    check: { passed: outcome === 'succeeded', readings: [] },
    undo: { state: 'not_needed', steps: [] },
    startedAt: 1,
    finishedAt: 2,
    journalHead: 'a'.repeat(64),
    ...change,
  };
}
