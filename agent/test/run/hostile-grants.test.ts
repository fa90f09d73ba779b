/**
 * Grants bent in every way, by somebody on the wire and by somebody who holds the control plane's key, and grants played again.
 * Pure: what the wire would parse is handed to the gate. A failure prints the seed; COUNTERSIGN_SEED gives it again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Approval,
  canonicalJson,
  type Grant,
  type Json,
  type SignedGrant,
  signedGrantSchema,
} from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import { type Approver, approver, lockOf, passkeyHolder } from '../../../protocol/test/approvers.ts';
import { type Random, seededRandom } from '../../../protocol/test/seeded-random.ts';
import { accept } from '../../src/run/accept.ts';
import { Journal } from '../../src/run/journal.ts';
import { type GrantTerms, verifyGrant } from '../../src/run/verify-grant.ts';
import {
  approvalOf,
  command,
  draftOf,
  grantOf,
  makeBed,
  type Previewed,
  planOf,
  SERVER,
  start,
  Watched,
} from './bed.ts';
import { signedApproval } from './locked.ts';

const GRANTS = 20_000;
const REPLAYS = 5000;
const seed = Number(process.env.COUNTERSIGN_SEED ?? Math.floor(Math.random() * 2 ** 32));

const controlPlane = makeSigningKey();
const ada = approver('Ada');
const bob = passkeyHolder('Bob');
const eve = passkeyHolder('Eve', 'RS256');
const mallory = approver('Mallory');
const lock = lockOf([ada, bob, eve], { high: 2, critical: 3 });

const now = Date.now();
const clock = { now: () => now } as never;
const unlocked: GrantTerms = {
  serverId: SERVER.id,
  serverName: SERVER.name,
  controlPlaneKey: controlPlane.publicKey,
  now,
  skewMs: 0,
  approvals: { atLeast: 1, channels: ['telegram', 'web'], strength: 'tap' },
  lock: null,
  commands: false,
};
const locked: GrantTerms = { ...unlocked, lock };

const previewed = (risk: Previewed['risk'], steps: Parameters<typeof draftOf>[0]): Previewed => ({
  ...draftOf(steps, {
    risk,
    source: { kind: 'playbook', id: 'service.restart', version: 3, sha256: 'a'.repeat(64) },
    parameters: { unit: 'nginx.service', watch: 30, deep: { list: [1, 'two', null] } },
    preconditions: [{ capability: 'unit.state', parameters: { unit: 'nginx' }, expect: { exists: { is: true } } }],
    check: { probes: [], settle_ms: 1000, stable_ms: 30_000 },
  }),
  preview: {
    steps: [{ step: 'one', argv: [['systemctl', 'restart', 'nginx']], diff: null, effects: ['x'], undo: 'y' }],
    witness: [{ subject: 'unit nginx.service', property: 'MainPID', value: 41 }],
    predictable: true,
  },
});

/** A grant that is good, and where. It carries no approval more than it needs. */
interface Good {
  readonly terms: GrantTerms;
  readonly signed: SignedGrant;
}

const low = previewed('low', [start('one', 'nginx.service')]);
const high = previewed('high', [command('one', 'reboot'), start('two', 'nginx.service')]);
const goods: readonly Good[] = [
  { terms: unlocked, signed: granted(low, (digest) => [approvalOf(digest)]) },
  { terms: unlocked, signed: granted(high, (digest) => [approvalOf(digest, { channel: 'web', strength: 'code' })]) },
  { terms: locked, signed: granted(low, (digest) => [signedApproval(ada, digest)]) },
  { terms: locked, signed: granted(low, (digest) => [signedApproval(bob, digest)]) },
  { terms: locked, signed: granted(high, (digest) => [signedApproval(bob, digest), signedApproval(ada, digest)]) },
  {
    terms: locked,
    signed: granted(previewed('critical', [command('one', 'wipe')]), (digest) =>
      [ada, bob, eve].map((by) => signedApproval(by, digest)),
    ),
  },
];

function granted(plan: Previewed, approvals: (digest: string) => Approval[]): SignedGrant {
  return grantOf({ clock, key: controlPlane }, plan, (digest) => ({ approvals: approvals(digest) }));
}

/** What a server would do with it, asked as the wire and the runner ask. */
function verdictOn(signed: unknown, terms: GrantTerms): 'acts' | 'refuses' | 'malformed' {
  const parsed = signedGrantSchema.safeParse(signed);
  if (!parsed.success) return 'malformed';
  return verifyGrant(parsed.data, terms).fault === null ? 'acts' : 'refuses';
}

const resign = (grant: unknown): unknown => {
  const sign = (value: unknown) => signValue('grant', value, controlPlane.seed);
  try {
    return { grant, key: controlPlane.publicKey, signature: sign(grant) };
  } catch (error) {
    if (error instanceof TypeError) return { grant, key: controlPlane.publicKey, signature: sign({}) }; // no JSON
    throw error;
  }
};

type Bend = (good: Good, random: Random) => { signed: unknown; terms: GrantTerms };

/** What an attacker can do. Each bends a good grant so that it must not be acted on. */
const bends: Readonly<Record<string, Bend>> = {
  'on the wire, anything anywhere': ({ signed, terms }, random) => ({ signed: mutated(signed, random), terms }),
  'with the key of the control plane, the plan': ({ signed, terms }, random) => {
    const plan = mutated(signed.grant.plan, random);
    return { signed: resign({ ...signed.grant, plan }), terms };
  },
  'with the key of the control plane, the digest or the action': ({ signed, terms }, random) => {
    const { digest, actionId } = signed.grant;
    const bent = random.pick([{ digest: mutated(digest, random) }, { actionId: mutated(actionId, random) }]);
    return { signed: resign({ ...signed.grant, ...bent }), terms };
  },
  'with the key of the control plane, plan and digests together, on a locked server': (good, random) => {
    const { grant } = lockedOnly(good, random).signed;
    return { signed: consistent(grant, mutated(grant.plan, random)), terms: locked };
  },
  'the approvals of another action': (good, random) => {
    const { grant } = lockedOnly(good, random).signed;
    const other = grantOf({ clock, key: controlPlane }, random.pick([low, high])).grant;
    const approvals = grant.approvals.map((approval) => ({ ...approval, digest: other.digest }));
    return { signed: resign({ ...other, approvals }), terms: locked };
  },
  'an approval fewer': ({ terms, signed }, random) => {
    const gone = random.int(signed.grant.approvals.length);
    const approvals = signed.grant.approvals.filter((_, index) => index !== gone);
    return { signed: resign({ ...signed.grant, approvals }), terms };
  },
  'the same approval twice instead of two': (good, random) => {
    const { grant } = lockedOnly(good, random, 2).signed;
    const [first] = grant.approvals as [Approval];
    const approvals = grant.approvals.map((_, index) => ({ ...first, id: `apr_00000000000${index}` }));
    return { signed: resign({ ...grant, approvals }), terms: locked };
  },
  'anything in a signature of an approver': (good, random) => {
    const { grant } = lockedOnly(good, random).signed;
    const at = random.int(grant.approvals.length);
    const approvals = grant.approvals.map((approval, index) =>
      index === at ? { ...approval, signature: mutated(approval.signature as never, random) } : approval,
    );
    return { signed: resign({ ...grant, approvals }), terms: locked };
  },
  'signatures that other keys made': (good, random) => {
    const { grant } = lockedOnly(good, random).signed;
    const at = random.int(grant.approvals.length);
    const approvals = grant.approvals.map((approval, index) =>
      index === at ? { ...approval, signature: swapped(approval, grant.digest, random) } : approval,
    );
    return { signed: resign({ ...grant, approvals }), terms: locked };
  },
  'no signature at all, whatever the approval says': (good, random) => {
    const { grant } = lockedOnly(good, random).signed;
    const approvals = grant.approvals.map(({ signature: _, ...approval }) => approval);
    return { signed: resign({ ...grant, approvals }), terms: locked };
  },
  'played to another server': ({ signed, terms }, random) => {
    const serverId = `srv_${random.text(12, '0123456789abcdefghijklmnopqrstuvwxyz')}`;
    return { signed: random.pick([signed, resign(signed.grant)]), terms: { ...terms, serverId } };
  },
  'rewritten for another server': (good, random) => {
    const { grant } = lockedOnly(good, random).signed;
    const id = `srv_${random.text(12, '0123456789abcdefghijklmnopqrstuvwxyz')}`;
    const plan = { ...grant.plan, server: { ...grant.plan.server, id } };
    return { signed: consistent(grant, plan), terms: { ...locked, serverId: id } };
  },
  'after its time, with a later end written in': ({ signed, terms }, random) => {
    const late = signed.grant.plan.request.valid_until + 1 + random.int(10_000_000);
    const times = { issuedAt: late - random.int(50_000), expiresAt: late + 1 + random.int(120_000) };
    return { signed: resign({ ...signed.grant, ...times }), terms: { ...terms, now: late } };
  },
  'signed by somebody else': ({ signed, terms }, random) => {
    const { publicKey, seed: other } = random.pick(others);
    const signature = signValue('grant', signed.grant, other);
    return { signed: { grant: signed.grant, key: random.pick([publicKey, controlPlane.publicKey]), signature }, terms };
  },
};

const others = Array.from({ length: 8 }, makeSigningKey);

function lockedOnly(good: Good, random: Random, approvals = 1): Good {
  const fits = ({ terms, signed }: Good) => terms === locked && signed.grant.approvals.length >= approvals;
  return fits(good) ? good : random.pick(goods.filter(fits));
}

/** A plan in place of another one, with digests that fit: what a control plane can always make. */
function consistent(grant: Grant, plan: unknown): unknown {
  let digest: string;
  try {
    digest = digestOf(plan);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    digest = grant.digest; // no JSON
  }
  const approvals = grant.approvals.map((approval) => ({ ...approval, digest }));
  return resign({ ...grant, plan, digest, approvals });
}

function swapped(approval: Approval, digest: string, random: Random) {
  const by: Approver = random.pick([mallory, passkeyHolderOf(random)]);
  const forged = by.sign(digest);
  // Its own key, or with the name of a pinned one.
  return random.pick([forged, { ...forged, key: approval.signature?.key }, { ...approval.signature, key: forged.key }]);
}

const strangers = (['ES256', 'Ed25519'] as const).map((kind) => passkeyHolder('Mallory', kind));
const passkeyHolderOf = (random: Random) => random.pick(strangers);

/** The value with one thing in it changed: a member gone, added, doubled, of another type, off by a little. */
function mutated<T extends Json | object>(value: T, random: Random): unknown {
  for (;;) {
    const copy = structuredClone({ value }) as { value: unknown };
    const places: { holder: Record<string, unknown>; name: string }[] = [];
    collect(copy as never, places);
    const { holder, name } = random.pick(places);
    change(holder, name, random);
    if (!('value' in copy) || !same(copy.value, value)) return copy.value;
  }
}

function same(a: unknown, b: unknown): boolean {
  try {
    return canonicalJson(a) === canonicalJson(b);
  } catch (error) {
    if (error instanceof TypeError) return false; // no JSON
    throw error;
  }
}

function collect(holder: Record<string, unknown>, places: { holder: Record<string, unknown>; name: string }[]): void {
  for (const name of Object.keys(holder)) {
    places.push({ holder, name });
    const inner = holder[name];
    if (inner !== null && typeof inner === 'object') collect(inner as Record<string, unknown>, places);
  }
}

function change(holder: Record<string, unknown>, name: string, random: Random): void {
  const value = holder[name];
  const kind = random.int(10);
  if (kind === 0 && Array.isArray(holder)) holder.splice(Number(name), 1);
  else if (kind === 0) delete holder[name];
  else if (kind === 1)
    holder[name] = random.pick<unknown>([null, true, false, 0, -1, 1e21, '', 'x', [], {}, [value], { value }]);
  else if (kind === 2 && Array.isArray(holder)) holder.push(structuredClone(value));
  else if (kind === 2) holder[random.text(4, 'abcdefgh')] = structuredClone(value);
  else if (kind === 3) holder[name] = String(value);
  else holder[name] = nudged(value, random);
}

function nudged(value: unknown, random: Random): unknown {
  if (typeof value === 'number') return value + random.pick([1, -1, 1000, -1000, 0.5, 86_400_000]);
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string' && value !== '') {
    const at = random.int(value.length);
    const letter = random.pick([random.text(1, 'AB01xyz-_'), ' ', '', 'é', '\u200b', value[at]?.toUpperCase() ?? '']);
    return value.slice(0, at) + letter + value.slice(at + 1);
  }
  if (Array.isArray(value)) return random.pick([value.toReversed(), [...value, ...value], value.slice(1), []]);
  return random.pick<unknown>([null, 'x', 1, {}]);
}

test(`T1: when ${GRANTS} grants are bent, on the wire or by the holder of the control plane’s key, every one is refused`, () => {
  for (const { signed, terms } of goods) assert.equal(verdictOn(signed, terms), 'acts', 'the grants to bend are good');
  const random = seededRandom(seed);
  const names = Object.keys(bends);
  const refused = new Map<string, number>();
  let wellFormed = 0;
  for (let index = 0; index < GRANTS; index += 1) {
    const name = names[index % names.length] ?? '';
    const { signed, terms } = (bends[name] as Bend)(random.pick(goods), random);
    const verdict = verdictOn(signed, terms);
    assert.notEqual(verdict, 'acts', `seed ${seed}, grant ${index}, ${name}: ${JSON.stringify(signed)}`);
    if (verdict === 'refuses') wellFormed += 1;
    refused.set(name, (refused.get(name) ?? 0) + 1);
  }
  assert.equal(
    [...refused.values()].reduce((sum, count) => sum + count, 0),
    GRANTS,
  );
  assert.equal(refused.size, names.length);
  assert.ok(
    wellFormed > GRANTS / 2,
    `${wellFormed} of ${GRANTS} had the form of a grant, so that the gate itself refused them`,
  );
});

test(`T3: when ${REPLAYS} grants are played again, at once, after restarts and after rotations of the journal, none starts twice`, async () => {
  const policy = `mode: act\nmax_risk: critical\ncommands: true\nlock: ${JSON.stringify(lock)}\n`;
  using bed = makeBed(policy, { key: controlPlane });
  const plan = await planOf(bed, draftOf([start('one', 'a.service')]));
  const grants = Array.from({ length: 50 }, () =>
    grantOf(bed, plan, (digest) => ({ approvals: [signedApproval(ada, digest)] })),
  );
  let journal = Journal.open(bed.ports.stateDir, bed.clock);
  const judge = (signed: SignedGrant) => accept({ ports: bed.ports, journal, running: new Map() }, signed, 0).verdict;
  for (const [index, signed] of grants.entries()) {
    assert.equal(judge(signed), 'start');
    carryOut(journal, signed, index);
  }
  let replays = 0;
  for (let round = 0; replays < REPLAYS; round += 1) {
    if (round % 10 === 5) {
      journal.close();
      journal = Journal.open(bed.ports.stateDir, bed.clock, round % 20 === 15 ? 10 : undefined);
    }
    for (const signed of grants) {
      assert.notEqual(judge(signed), 'start', `seed ${seed}, round ${round}, ${signed.grant.actionId}`);
      replays += 1;
    }
  }
  const { actionId } = (grants[0] as SignedGrant).grant;
  const other = grantOf(bed, await planOf(bed, draftOf([start('one', 'b.service')])), { actionId });
  const { verdict } = accept({ ports: bed.ports, journal, running: new Map() }, other, 0);
  assert.equal(verdict, 'refuse');
  journal.close();
});

/** As a runner that ended well, badly, or in the middle would leave it. */
function carryOut(journal: Journal, signed: SignedGrant, index: number): void {
  const { actionId, digest } = signed.grant;
  const quick = { sync: false };
  journal.append({ kind: 'intent', actionId, digest, grant: signed, bootId: 'b' }, quick);
  if (index % 3 === 0) {
    journal.append({ kind: 'refused', actionId, digest, fault: { code: 'state_drifted', slots: {} } }, quick);
    journal.append({ kind: 'kept', actionId, report: 'refused' }, quick);
    return;
  }
  journal.append({ kind: 'started', actionId }, quick);
  const result = {
    outcome: 'succeeded' as const,
    summary: 'x',
    steps: [],
    check: null,
    undo: { state: 'not_needed' as const, steps: [] },
    startedAt: 1,
    finishedAt: 2,
    journalHead: journal.head,
  };
  journal.append({ kind: 'result', actionId, result }, quick);
  for (const report of ['started', 'finished'] as const) journal.append({ kind: 'kept', actionId, report }, quick);
}

test('T3: when a grant that is under way, and then over, is played again hundreds of times, there is one effect', async () => {
  using bed = makeBed(`mode: act\nmax_risk: critical\nlock: ${JSON.stringify(lock)}\n`, { key: controlPlane });
  const plan = await planOf(bed, draftOf([start('one', 'a.service')]));
  const signed = grantOf(bed, plan, (digest) => ({ approvals: [signedApproval(bob, digest)] }));
  for (let life = 0; life < 4; life += 1) {
    await using watched = new Watched(bed);
    for (let time = 0; time < 50; time += 1) watched.runner.accept(signed, 0);
    await watched.ending(signed.grant.actionId);
    for (let time = 0; time < 50; time += 1) watched.runner.accept(signed, 0);
  }
  assert.deepEqual(bed.effects(), ['start a.service']);
});
