import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approver, lockOf } from '../../../protocol/test/approvers.ts';
import { accept, type Gate, subjectsOf } from '../../src/run/accept.ts';
import { Journal } from '../../src/run/journal.ts';
import { approvalOf, type Bed, draftOf, grantOf, makeBed, newActionId, planOf, start } from './bed.ts';
import { signedApproval } from './locked.ts';

async function gateOf(bed: Bed, running: Gate['running'] = new Map(), ports: Partial<Gate['ports']> = {}) {
  const plan = await planOf(bed, draftOf([start('one', 'a.service')]));
  const journal = Journal.open(bed.ports.stateDir, bed.clock);
  const judge = (signed = grantOf(bed, plan)) =>
    accept({ ports: { ...bed.ports, ...ports }, journal, running }, signed, 0);
  return { judge, plan, journal };
}

test('when something else works on the same unit, or very much is under way, a grant is refused for good', async () => {
  using bed = makeBed();
  const busy = await gateOf(bed, new Map([['act_zzzzzzzzzzzz', { subjects: ['unit a.service'] }]]));
  const same = busy.judge();
  assert.ok(same.verdict === 'refuse' && same.fault.code === 'target_busy' && same.final);
  const crowd = new Map(Array.from({ length: 64 }, (_, index) => [`act_${index}`, { subjects: [`unit ${index}`] }]));
  const many = (await gateOf(bed, crowd)).judge();
  assert.ok(many.verdict === 'refuse' && many.fault.code === 'agent_busy');
  crowd.delete('act_0');
  assert.equal((await gateOf(bed, crowd)).judge().verdict, 'start');
});

test('when the whole server is to restart, nothing else may be under way, and while it does nothing else begins', async () => {
  using bed = makeBed();
  const whole = subjectsOf({
    steps: [{ id: 'a', capability: 'host.reboot', parameters: { reason: 'x' }, timeout_ms: 1 }] as never,
    undo: [],
  });
  const during = (await gateOf(bed, new Map([['act_zzzzzzzzzzzz', { subjects: whole }]]))).judge();
  assert.ok(during.verdict === 'refuse' && during.fault.code === 'target_busy');
  const reboot = draftOf([{ id: 'one', capability: 'host.reboot', parameters: { reason: 'x' } } as never]);
  const plan = { ...(await planOf(bed, draftOf([start('one', 'a.service')]))), steps: reboot.steps, risk: 'critical' };
  const gate = { ports: bed.ports, journal: Journal.open(bed.ports.stateDir, bed.clock) };
  const asked = (subjects: readonly string[]) =>
    accept({ ...gate, running: new Map([['act_zzzzzzzzzzzz', { subjects }]]) }, grantOf(bed, plan as never), 0);
  const busy = asked(['path /srv/x']);
  assert.ok(busy.verdict === 'refuse' && busy.fault.code === 'target_busy', JSON.stringify(busy));
});

test('when what a plan works on is told, firewall rules are the file that holds them, and nothing is there twice', () => {
  const steps = [
    { id: 'a', capability: 'firewall.apply', parameters: { ruleset: 'x' }, timeout_ms: 1 },
    { id: 'b', capability: 'unit.restart', parameters: { unit: 'nginx.service' }, timeout_ms: 1 },
    { id: 'c', capability: 'tmp.clean', parameters: { root: '/tmp' }, timeout_ms: 1 },
  ] as never;
  const undo = [{ id: 'd', capability: 'unit.restore', parameters: { unit: 'nginx.service' }, timeout_ms: 1 }] as never;
  assert.deepEqual(subjectsOf({ steps, undo }), ['path /etc/nftables.conf', 'unit nginx.service', 'root /tmp']);
});

test('when the server found units and containers behind other names, a plan works on those too', () => {
  const steps = [
    { id: 'a', capability: 'deploy.switch', parameters: { app: 'shop', to: '1' }, timeout_ms: 1 },
  ] as never;
  const fact = (subject: string) => ({ subject, property: 'state', value: 'active' });
  const witness = [fact('app shop'), fact('unit shop.service'), fact('container shop_web_1'), fact('release 1')];
  const preview = { steps: [], witness, predictable: true };
  assert.deepEqual(subjectsOf({ steps, undo: [], preview }), ['app shop', 'unit shop.service', 'container shop_web_1']);
});

test('T1: when the policy cannot be read, a good grant is refused, and a defect is not taken for that', async () => {
  using bed = makeBed();
  const good = await gateOf(bed);
  using broken = makeBed('mode: act\nlock: open\n', { key: bed.key });
  const { judge } = await gateOf(bed, new Map(), { policy: broken.ports.policy });
  const refused = judge();
  assert.ok(refused.verdict === 'refuse' && refused.fault.code === 'server_policy_denies');
  const defect = await gateOf(bed, new Map(), {
    policy: () => {
      throw new TypeError('a defect');
    },
  });
  assert.throws(() => defect.judge(), TypeError);
  assert.equal(good.judge().verdict, 'start');
});

test('T3: when only the id of an action is left of it, its grant is known no more and refused as replayed', async () => {
  using bed = makeBed();
  const { judge, plan, journal } = await gateOf(bed);
  const signed = grantOf(bed, plan);
  const { actionId, digest } = signed.grant;
  journal.append({ kind: 'refused', actionId, digest, fault: { code: 'grant_expired', slots: {} } });
  assert.equal(judge(signed).verdict, 'known');
  journal.append({ kind: 'kept', actionId, report: 'refused' });
  journal.close();
  const rotated = Journal.open(bed.ports.stateDir, bed.clock, 10);
  const verdict = accept({ ports: bed.ports, journal: rotated, running: new Map() }, signed, 0);
  assert.ok(verdict.verdict === 'refuse' && verdict.fault.code === 'grant_replayed' && !verdict.final);
  rotated.close();
});

test('T3: when a locked server is sent grants that too few holders signed, its journal takes none, so that they cannot push out what was carried out', async () => {
  const [ada, bob] = [approver('Ada'), approver('Bob')];
  const lock = lockOf([ada, bob], { low: 2, medium: 2, high: 2, critical: 2 });
  using bed = makeBed(`mode: observe\nlock: ${JSON.stringify(lock)}\n`);
  const plan = { ...draftOf([start('one', 'a.service')]), preview: { steps: [], witness: [], predictable: true } };
  const journal = Journal.open(bed.ports.stateDir, bed.clock);
  const judge = (bend: Parameters<typeof grantOf>[2]) =>
    accept({ ports: bed.ports, journal, running: new Map() }, grantOf(bed, plan, bend), 0);
  const whole = (digest: string) => [signedApproval(ada, digest), signedApproval(bob, digest)];
  const { digest: other, approvals } = grantOf(bed, plan, (digest) => ({ approvals: whole(digest) })).grant;
  const bends: Parameters<typeof grantOf>[2][] = [
    { approvals: [] },
    (digest) => ({ approvals: [approvalOf(digest)] }),
    (digest) => ({ approvals: [signedApproval(ada, digest)] }),
    (digest) => ({ approvals: [signedApproval(ada, digest)], expiresAt: bed.clock.now() - 1000, issuedAt: 0 }),
    (digest) => ({ approvals: [signedApproval(ada, digest)], issuedAt: bed.clock.now() + 86_400_000, expiresAt: 2e13 }),
    { digest: other, approvals },
    (digest) => ({ approvals: whole(digest), actionId: newActionId() }),
  ];
  for (const bend of bends) {
    const verdict = judge(bend);
    assert.ok(verdict.verdict === 'refuse' && !verdict.final, JSON.stringify(verdict));
  }
  const signed = judge((digest) => ({ approvals: whole(digest) }));
  assert.ok(signed.verdict === 'refuse' && signed.fault.code === 'server_observe_only' && signed.final);
  journal.close();
});
