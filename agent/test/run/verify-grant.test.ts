import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Approval, Grant, SignedGrant } from '@countersign/protocol';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import { type Approver, approver, lockOf, passkeyHolder } from '../../../protocol/test/approvers.ts';
import { type GrantTerms, verifyGrant } from '../../src/run/verify-grant.ts';
import { approvalOf, command, draftOf, grantOf, type Previewed, SERVER, start } from './bed.ts';
import { signedApproval } from './locked.ts';

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
  commands: false,
  ...given,
});
const granted = (bend: Parameters<typeof grantOf>[2] = {}, of: Previewed = plan) => grantOf({ clock, key }, of, bend);
const sign = (grant: Grant): SignedGrant => ({
  grant,
  key: key.publicKey,
  signature: signValue('grant', grant, key.seed),
});

test('when everything is as it should be, a grant is good', () => {
  assert.deepEqual(verifyGrant(granted(), terms()), { fault: null, genuine: true, notable: true });
});

test('T3: when a grant is for another server, it is refused as not ours', () => {
  const elsewhere = { ...plan, server: { id: 'srv_00000000000x', name: 'web-2' } };
  const { fault, genuine } = verifyGrant(granted({}, elsewhere), terms());
  assert.equal(fault?.code, 'grant_invalid');
  assert.equal(genuine, false);
});

test('T7: when a plan calls this server by another name than people know it by, it is refused, whoever signed it', () => {
  const misnamed = { ...plan, server: { ...plan.server, name: 'staging-1' } };
  const { fault } = verifyGrant(granted({}, misnamed), terms());
  assert.equal(fault?.code, 'grant_invalid');
  assert.match(fault?.message ?? '', /by another name than web-1/);
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

test('T3: when a plan was made and approved for one action, it is refused as another one', () => {
  const { grant } = granted();
  const again = sign({ ...grant, actionId: 'act_zzzzzzzzzzzz' });
  assert.match(verifyGrant(again, terms()).fault?.message ?? '', /made for another action/);
});

test('T10: when the plan itself is not good any more, a later end of the grant does not help', () => {
  const { grant } = granted();
  const { valid_until } = grant.plan.request;
  const later = sign({ ...grant, issuedAt: valid_until, expiresAt: valid_until + 60_000 });
  assert.equal(verifyGrant(later, terms({ now: valid_until })).fault, null);
  assert.equal(verifyGrant(later, terms({ now: valid_until + 1 })).fault?.code, 'grant_expired');
});

test('when a grant ends before it begins, it is refused', () => {
  const { grant } = granted();
  const backwards = sign({ ...grant, expiresAt: grant.issuedAt });
  assert.match(verifyGrant(backwards, terms()).fault?.message ?? '', /ends before it begins/);
});

const ada = approver('Ada');
const adaToo = approver('Ada');
const bob = passkeyHolder('Bob');
const lock = lockOf([ada, adaToo, bob], { high: 2, critical: 2 });
const restart: Previewed = { ...plan, ...draftOf([start('one', 'nginx.service')]), preview: plan.preview };

/** The fault of a grant that these approved on a locked server. */
const onLocked = (of: Previewed, by: readonly Approver[], given: Partial<GrantTerms> = {}) =>
  verifyGrant(
    granted((digest) => ({ approvals: by.map((it) => signedApproval(it, digest)) }), of),
    terms({ lock, ...given }),
  ).fault;

test('T1: when a server is locked, a grant needs as many holders as its lock asks for at that risk, whoever else approved', () => {
  assert.equal(onLocked(restart, [ada]), null);
  assert.equal(onLocked(restart, [bob]), null);
  assert.equal(onLocked(plan, [ada, bob]), null);
  const short = onLocked(plan, [ada, adaToo, ada]);
  assert.equal(short?.code, 'approvals_insufficient');
  assert.equal(
    short?.message,
    'The server refused: 2 of the holders of its lock must sign a change of risk high, and Ada did.',
  );
  assert.match(onLocked(restart, [])?.message ?? '', /1 of the holders .* risk medium, and nobody did\.$/);
  const mallory = approver('Mallory');
  assert.match(
    onLocked(restart, [mallory])?.message ?? '',
    /nobody did; the signature of Mallory does not count: its key is not one that is pinned/,
  );
  assert.equal(onLocked(restart, [mallory, bob]), null, 'a signature that does not count does no harm');
});

test('T1: when an approval on a locked server has no signature, or one over something else, the refusal says which and why', () => {
  const unsigned = granted((digest) => ({
    approvals: [
      approvalOf(digest, { person: { id: 'prs_000000000001', name: 'Ada' }, strength: 'passkey' }),
      { ...signedApproval(bob, digest), signature: bob.assert(digest, { flags: 1 }) },
      { ...signedApproval(ada, digest), signature: ada.sign('0'.repeat(64)) },
    ],
  }));
  const { fault } = verifyGrant(unsigned, terms({ lock }));
  assert.equal(fault?.code, 'approvals_insufficient');
  assert.match(fault?.message ?? '', /the approval of Ada is not signed/);
  assert.match(fault?.message ?? '', /the signature of Bob does not count: the passkey did not verify its user/);
  assert.match(fault?.message ?? '', /the signature of Ada does not count: it is over something else/);
});

test('T1: when a plan says less of its risk than its steps or its undo steps have, what they have counts', () => {
  const understated: Previewed = { ...plan, risk: 'low' };
  assert.match(onLocked(understated, [ada])?.message ?? '', /2 of the holders .* risk high/);
  const undo = [{ ...command('back', 'rm', '-rf', '/'), timeout_ms: 1000 }] as never;
  assert.match(onLocked({ ...restart, risk: 'low', undo }, [ada])?.message ?? '', /2 of the holders .* risk high/);
});

test('when the lock was ended, the server believes the control plane again', () => {
  assert.equal(onLocked(plan, [], { lock: { ...lock, disabled: true } }), null);
});

test('T1: when a server is locked and its policy asks for approvals too, both must be met', () => {
  const approvals = { atLeast: 2, channels: ['web'], strength: 'passkey' } as const;
  assert.equal(onLocked(restart, [ada], { approvals })?.code, 'approvals_insufficient');
  assert.match(onLocked(restart, [ada], { approvals })?.message ?? '', /its own policy asks for 2/);
});

test('when very many approvals do not count, the refusal is still of a length that people can read', () => {
  const many = Array.from({ length: 20 }, () => approver('M'.repeat(80)));
  const message = onLocked(plan, many)?.message ?? '';
  assert.ok(message.length < 1100 && message.includes('more characters'), `${message.length}`);
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
