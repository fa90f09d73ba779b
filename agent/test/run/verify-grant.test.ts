import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Approval, Grant, SignedGrant } from '@countersign/protocol';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import { type GrantTerms, verifyGrant } from '../../src/run/verify-grant.ts';
import { approvalOf, command, draftOf, grantOf, type Previewed, SERVER } from './bed.ts';

const key = makeSigningKey();
const clock = { now: () => Date.now() } as never;
const plan: Previewed = {
  ...draftOf([command('echo', 'echo')]),
  preview: { steps: [], witness: [], predictable: false },
};
const terms = (given: Partial<GrantTerms> = {}): GrantTerms => ({
  serverId: SERVER.id,
  serverName: SERVER.name,
  controlPlaneKey: key.publicKey,
  now: Date.now(),
  skewMs: 0,
  approvals: { atLeast: 0, channels: ['telegram', 'web', 'ide', 'cli'], strength: 'form' },
  lock: null,
  ...given,
});
const granted = (bend: Parameters<typeof grantOf>[2] = {}, of: Previewed = plan) => grantOf({ clock, key }, of, bend);
const sign = (grant: Grant): SignedGrant => ({
  grant,
  key: key.publicKey,
  signature: signValue('grant', grant, key.seed),
});

test('when everything is as it should be, a grant is good', () => {
  assert.deepEqual(verifyGrant(granted(), terms()), { fault: null, genuine: true });
});

test('T3: when a grant is for another server, it is refused as not ours', () => {
  const elsewhere = { ...plan, server: { id: 'srv_00000000000x', name: 'web-2' } };
  const { fault, genuine } = verifyGrant(granted({}, elsewhere), terms());
  assert.equal(fault?.code, 'grant_invalid');
  assert.equal(genuine, false);
});

test('T1: when another key signed, a grant is refused even though its signature is right', () => {
  const other = makeSigningKey();
  const { grant } = granted();
  const signed = { grant, key: other.publicKey, signature: signValue('grant', grant, other.seed) };
  assert.equal(verifyGrant(signed, terms()).genuine, false);
  assert.equal(verifyGrant({ ...signed, key: key.publicKey }, terms()).genuine, false);
});

test('when a signature was made for another purpose, a grant is refused', () => {
  const { grant } = granted();
  const signed = { grant, key: key.publicKey, signature: signValue('checkpoint', grant, key.seed) };
  assert.equal(verifyGrant(signed, terms()).genuine, false);
});

test('T8: when any member of a signed grant is changed afterwards, it is refused', () => {
  const signed = granted();
  const changes: ((grant: Grant) => Grant)[] = [
    (grant) => ({ ...grant, plan: { ...grant.plan, title: 'Another' } }),
    (grant) => ({ ...grant, plan: { ...grant.plan, steps: [{ ...grant.plan.steps[0], timeout_ms: 1 } as never] } }),
    (grant) => ({ ...grant, expiresAt: grant.expiresAt + 1 }),
    (grant) => ({ ...grant, actionId: 'act_zzzzzzzzzzzz' }),
    (grant) => ({ ...grant, approvals: [] }),
    (grant) => ({ ...grant, rule: 'another' }),
  ];
  for (const change of changes)
    assert.equal(verifyGrant({ ...signed, grant: change(signed.grant) }, terms()).fault?.code, 'grant_invalid');
});

test('T8: when the control plane itself signs a plan with the digest of another, it is refused', () => {
  const { grant: good } = granted();
  const bent = sign({ ...good, plan: { ...good.plan, title: 'Another' } });
  const { fault } = verifyGrant(bent, terms());
  assert.equal(fault?.code, 'grant_invalid');
  assert.match(fault?.message ?? '', /digest/);
});

test('T8: when an approval is for another plan, the grant is refused', () => {
  const { fault } = verifyGrant(granted({ approvals: [approvalOf('0'.repeat(64))] }), terms());
  assert.match(fault?.message ?? '', /approval is for another plan/);
});

test('when two steps have one id, the grant is refused', () => {
  const twice = { ...plan, steps: [...plan.steps, ...plan.steps] };
  assert.match(verifyGrant(granted({}, twice), terms()).fault?.message ?? '', /same id/);
});

test('T10: when a grant is older than its end, it is refused as expired', () => {
  const signed = granted();
  assert.equal(verifyGrant(signed, terms({ now: signed.grant.expiresAt })).fault, null);
  assert.equal(verifyGrant(signed, terms({ now: signed.grant.expiresAt + 1 })).fault?.code, 'grant_expired');
});

test('T12: when the clocks differ by more than 60 s, by the measure of the link or of the grant itself, changes are refused', () => {
  const signed = granted();
  const { issuedAt } = signed.grant;
  assert.equal(verifyGrant(signed, terms({ skewMs: 61_000 })).fault?.code, 'clock_skew');
  assert.equal(verifyGrant(signed, terms({ skewMs: -61_000 })).fault?.code, 'clock_skew');
  assert.equal(verifyGrant(signed, terms({ now: issuedAt - 61_000, skewMs: null })).fault?.code, 'clock_skew');
  assert.equal(verifyGrant(signed, terms({ skewMs: 59_000 })).fault, null);
});

test('F14: when the clock was set back by a day, an old grant does not come to life again', () => {
  const day = 24 * 3_600_000;
  const old = granted({ issuedAt: Date.now() - day, expiresAt: Date.now() - day + 120_000 });
  assert.equal(verifyGrant(old, terms()).fault?.code, 'grant_expired');
  const fresh = granted();
  assert.equal(verifyGrant(fresh, terms({ now: Date.now() - day, skewMs: null })).fault?.code, 'clock_skew');
});

test("when the server's policy asks for two people, one person twice is not enough", () => {
  const approvals = { atLeast: 2, channels: ['telegram', 'web'] as const, strength: 'tap' as const };
  const ada: Partial<Approval> = {};
  const bob: Partial<Approval> = {
    id: 'apr_000000000002',
    person: { id: 'prs_000000000002', name: 'Bob' },
    channel: 'web',
  };
  const verdict = (...given: Partial<Approval>[]) => {
    const signed = granted((digest) => ({ approvals: given.map((it) => approvalOf(digest, it)) }));
    return verifyGrant(signed, terms({ approvals })).fault?.code;
  };
  assert.equal(verdict(ada, { ...ada, id: 'apr_000000000003' }), 'approvals_insufficient');
  assert.equal(verdict(ada, { ...bob, channel: 'ide' }), 'approvals_insufficient');
  assert.equal(verdict(ada, { ...bob, strength: 'form' }), 'approvals_insufficient');
  assert.equal(verdict(ada, bob), undefined);
});
