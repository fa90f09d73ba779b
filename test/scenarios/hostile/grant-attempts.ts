/** Every way to have a locked server run what nobody signed: grants with the real key of the control plane. */
import { type Approval, type Channel, channels, type Plan, type SignedGrant, strengths } from '@countersign/protocol';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { digestOf } from '@countersign/protocol/digest';
import { changeDigest, stateDigest } from '@countersign/protocol/follow-lock';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import { approver, type PasskeyHolder, passkeyHolder } from '../../../protocol/test/approvers.ts';
import type { HostileControlPlane } from '../../world/hostile-control-plane.ts';
import { approvalOf, askedAnew, marking, type People, planOf, type Spoils, signedBy } from './spoils.ts';

/** One try: what is sent, and how it has to be refused. `retold`: the server only tells again what it did long ago. */
export interface GrantAttempt {
  readonly name: string;
  readonly grant: SignedGrant;
  readonly code: string;
  readonly reason?: RegExp;
}

interface Given {
  readonly plane: HostileControlPlane;
  readonly people: People;
  readonly spoils: Spoils;
}

const SHORT = 'approvals_insufficient';
const ELSE = /it is over something else/;

export async function grantAttempts(given: Given): Promise<GrantAttempt[]> {
  const touch = await planOf(given.plane, [marking('one')]);
  const two = await planOf(given.plane, [marking('one'), marking('two')], {
    undo: [{ ...marking('undo'), id: 'u', timeout_ms: 1000 }],
    check: { probes: [{ capability: 'nginx.test', parameters: {}, expect: {} }], settle_ms: 0, stable_ms: 0 },
    preconditions: [{ capability: 'nginx.test', parameters: {}, expect: { valid: { is: true } } }],
  });
  return [
    ...unsigned(given, touch),
    ...played(given),
    ...bent(given, two),
    ...wrongThings(given, touch),
    ...passkeys(given, touch),
    ...counted(given, touch),
    ...untimely(given, touch),
    ...madeUp(given, touch),
  ];
}

/** Nobody signed at all, whatever is claimed. */
function unsigned({ plane, people: { ada, adaPhone } }: Given, plan: Plan): GrantAttempt[] {
  const attempt = (name: string, approvals: (digest: string) => Approval[], reason: RegExp): GrantAttempt => {
    const anew = askedAnew(plan);
    return { name, grant: plane.grant(anew, approvals(digestOf(anew))), code: SHORT, reason };
  };
  const claimed = channels.flatMap((channel: Channel) =>
    strengths.map((strength) =>
      attempt(
        `invented approvals by ${channel}, ${strength}`,
        (digest) => Array.from({ length: 5 }, () => approvalOf(digest, { channel, strength })),
        /is not signed/,
      ),
    ),
  );
  const [fresh, freshPhone] = [approver('Ada'), passkeyHolder('Grace')];
  return [
    attempt('no approvals', () => [], /nobody did/),
    ...claimed,
    attempt('fresh keys', (digest) => signedBy(digest, fresh, freshPhone), /not one that is pinned/),
    attempt(
      'pinned keys on the signatures of fresh ones',
      (digest) => [
        approvalOf(digest, { signature: { ...fresh.sign(digest), key: ada.key } as never }),
        approvalOf(digest, { signature: { ...freshPhone.sign(digest), key: adaPhone.key } as never }),
      ],
      ELSE,
    ),
  ];
}

/** What people signed once, sent again. */
function played({ plane, spoils: { done, half }, people: { ada, grace } }: Given): GrantAttempt[] {
  const { plan, approvals } = done;
  const anew = askedAnew(plan);
  const later = { ...plan, request: { ...plan.request, valid_until: plan.request.valid_until + 86_400_000 } };
  const redated = (to: Plan) => approvals.map((approval) => ({ ...approval, digest: digestOf(to) }));
  return [
    { name: 'a grant that was carried out', grant: plane.grant(plan, approvals), code: 'retold' },
    {
      name: 'a grant that was carried out, with a later end',
      grant: plane.grant(plan, approvals, { expiresAt: Date.now() + 86_400_000 }),
      code: 'retold',
    },
    {
      name: 'its plan under another action id',
      grant: plane.grant(plan, approvals, { actionId: anew.request.action }),
      code: 'grant_invalid',
      reason: /made for another action/,
    },
    { name: 'its plan for another action', grant: plane.grant(anew, redated(anew)), code: SHORT, reason: ELSE },
    { name: 'its plan until later', grant: plane.grant(later, redated(later)), code: 'grant_replayed' },
    {
      name: 'its action id on another plan',
      grant: plane.grant({ ...half.plan, request: plan.request }, redated({ ...half.plan, request: plan.request })),
      code: 'grant_replayed',
    },
    {
      name: 'one signature of two, of an action that waits',
      grant: plane.grant(half.plan, half.approvals),
      code: SHORT,
      reason: /and Ada did/,
    },
    {
      name: 'the missing signature taken from another action',
      grant: plane.grant(half.plan, [...half.approvals, ...redated(half.plan)]),
      code: SHORT,
      reason: /and Ada did/,
    },
    {
      name: 'a plan signed for another server',
      grant: (() => {
        const theirs = askedAnew({ ...plan, server: { id: 'srv_zzzzzzzzzzzz', name: plane.server.name } });
        return plane.grant(theirs, signedBy(digestOf(theirs), ada, grace));
      })(),
      code: 'grant_invalid',
      reason: /for another server/,
    },
    {
      name: 'a plan signed for another server, with our id put in',
      grant: (() => {
        const ours = askedAnew({ ...plan, server: plane.server });
        const digest = digestOf({ ...ours, server: { id: 'srv_zzzzzzzzzzzz', name: plane.server.name } });
        const theirs = signedBy(digest, ada, grace).map((approval) => ({ ...approval, digest: digestOf(ours) }));
        return plane.grant(ours, theirs);
      })(),
      code: SHORT,
      reason: ELSE,
    },
    {
      name: 'a plan that people signed for a server of another name',
      grant: (() => {
        const named = askedAnew({ ...plan, server: { ...plane.server, name: 'staging' } });
        return plane.grant(named, signedBy(digestOf(named), ada, grace));
      })(),
      code: 'grant_invalid',
      reason: /another name/,
    },
    {
      name: 'its approvals as they are on another action',
      grant: plane.grant(anew, approvals),
      code: 'grant_invalid',
      reason: /for another plan/,
    },
  ];
}

/** A plan that two holders signed for this very server, bent in every part of it; once with its own digest, once with theirs. */
function bent({ plane, people: { ada, grace }, spoils: { whole } }: Given, two: Plan): GrantAttempt[] {
  const [first, second] = two.steps as [Plan['steps'][number], Plan['steps'][number]];
  const [shown] = two.preview.steps as [Plan['preview']['steps'][number]];
  const preview = (given: Partial<Plan['preview']>): Partial<Plan> => ({ preview: { ...two.preview, ...given } });
  const bends: Record<string, Partial<Plan>> = {
    'other parameters': { steps: [{ ...first, parameters: { argv: ['touch', '/root/x'] } }, second] },
    'steps in another order': { steps: [second, first] },
    'a step more': { steps: [first, second, { ...first, id: 'more' }] },
    'a step fewer': { steps: [first] },
    'a step with more time': { steps: [{ ...first, timeout_ms: 3_600_000 }, second] },
    'another undo': { undo: [{ ...first, id: 'u' }] },
    'no undo': { undo: [] },
    'no check': { check: { ...two.check, probes: [] } },
    'a check that fails, so that the undo runs': {
      check: {
        probes: [{ capability: 'nginx.test', parameters: {}, expect: { valid: { is: false } } }],
        settle_ms: 0,
        stable_ms: 0,
      },
    },
    'no preconditions': { preconditions: [] },
    'another preview': preview({ steps: [{ ...shown, argv: [['true']] }, ...two.preview.steps.slice(1)] }),
    'other effects': preview({ steps: [{ ...shown, effects: ['Nothing changes.'] }, ...two.preview.steps.slice(1)] }),
    'another witness': preview({ witness: [{ subject: 'unit nginx.service', property: 'state', value: 'failed' }] }),
    'a preview that foretells': preview({ predictable: true }),
    'a confirmation that is not asked for': { confirm: { within_ms: 10_000, because: 'x' } },
    'a lower risk': { risk: 'low', reversible: false },
    'another title': { title: 'Nothing at all' },
    'another source': { source: { kind: 'playbook', id: 'service.restart', version: 1, sha256: 'a'.repeat(64) } },
    'other values that were asked for': { parameters: { unit: 'nginx' } },
  };
  const signed = askedAnew(two);
  const approvals = signedBy(digestOf(signed), ada, grace);
  const bentFrom = Object.entries(bends).flatMap(([name, bend]): GrantAttempt[] => {
    const plan = { ...signed, ...bend };
    const digest = digestOf(plan);
    return [
      {
        name: `${name}, with its own digest`,
        grant: plane.grant(
          plan,
          approvals.map((approval) => ({ ...approval, digest })),
        ),
        code: SHORT,
        reason: ELSE,
      },
      {
        name: `${name}, with the digest that was signed`,
        grant: plane.grant(plan, approvals, { digest: digestOf(signed) }),
        code: 'grant_invalid',
        reason: /not the one that its digest was made of/,
      },
    ];
  });
  const other = {
    ...whole.plan,
    steps: whole.plan.steps.map((step) => ({ ...step, parameters: { ...step.parameters, value: '99m' } })),
  };
  return [
    ...bentFrom,
    {
      name: 'a signed action that waits to be handed on, with another value',
      grant: plane.grant(
        other,
        whole.approvals.map((approval) => ({ ...approval, digest: digestOf(other) })),
      ),
      code: SHORT,
      reason: ELSE,
    },
  ];
}

/** Signatures of the right people over something else. */
function wrongThings({ plane, people: { ada, grace, lock }, spoils: { done } }: Given, plan: Plan): GrantAttempt[] {
  const change = {
    format: 'countersign-lock-change/1',
    before: stateDigest(lock),
    at: 0,
    change: { kind: 'remove', key: ada.key },
  } as const;
  const over = (name: string, digest: (plan: Plan) => string): GrantAttempt => {
    const anew = askedAnew(plan);
    const approvals = [ada, grace].map((by) => approvalOf(digestOf(anew), { signature: by.sign(digest(anew)) }));
    return { name, grant: plane.grant(anew, approvals), code: SHORT, reason: ELSE };
  };
  const other = makeSigningKey();
  const { grant } = plane.grant(askedAnew(plan), []);
  return [
    over('signatures of a confirmation', (anew) => confirmationDigest(anew.request.action, digestOf(anew))),
    over('signatures of the confirmation of what was carried out', () =>
      confirmationDigest(done.plan.request.action, digestOf(done.plan)),
    ),
    over('signatures of a change of the lock', () => changeDigest(change)),
    over('signatures of nothing', () => '0'.repeat(64)),
    {
      name: 'another key than the one pinned at install',
      grant: { grant, key: other.publicKey, signature: signValue('grant', grant, other.seed) },
      code: 'grant_invalid',
      reason: /another key/,
    },
    {
      name: 'the key of the control plane on something that is no grant',
      grant: { grant, key: plane.key.publicKey, signature: signValue('checkpoint', grant, plane.key.seed) },
      code: 'grant_invalid',
      reason: /signature is wrong/,
    },
  ];
}

/** Ada signed, and so did the passkey of Grace: on another page, for another site, without her, or for something else. */
function passkeys({ plane, people: { ada, grace } }: Given, plan: Plan): GrantAttempt[] {
  const bends: Record<string, [Parameters<PasskeyHolder['assert']>[1], RegExp]> = {
    'a page of another origin': [{ client: { origin: 'https://evil.example' } }, /page that is not pinned/],
    'a page of an origin that begins alike': [
      { client: { origin: 'https://ops.example.org.evil.example' } },
      /page that is not pinned/,
    ],
    'the same name without TLS': [{ client: { origin: 'http://ops.example.org' } }, /page that is not pinned/],
    'another relying party': [{ party: 'evil.example' }, /another relying party/],
    'a parent domain': [{ party: 'example.org' }, /another relying party/],
    'no verified user': [{ flags: 0x01 }, /did not verify its user/],
    'no present user': [{ flags: 0x04 }, /did not verify its user/],
    'a frame of another site': [{ client: { crossOrigin: true } }, /page of its own/],
    'the making of a passkey': [{ client: { type: 'webauthn.create' } }, /page of its own/],
    'another challenge': [{ client: { challenge: 'AAAA' } }, ELSE],
    'a cut signature': [{ signature: (it) => it.subarray(0, 8) }, /does not verify/],
    'data that was cut': [{ data: (it) => it.subarray(0, 20) }, /too short/],
  };
  return Object.entries(bends).map(([name, [bend, reason]]) => {
    const anew = askedAnew(plan);
    const digest = digestOf(anew);
    const signature = grace.assert(digest, bend);
    const approvals = [...signedBy(digest, ada), approvalOf(digest, { signature })];
    return { name: `a passkey with ${name}`, grant: plane.grant(anew, approvals), code: SHORT, reason };
  });
}

/** One holder, made to look like two. */
function counted({ plane, people: { ada, adaPhone } }: Given, plan: Plan): GrantAttempt[] {
  const attempt = (name: string, approvals: (digest: string) => Approval[]): GrantAttempt => {
    const anew = askedAnew(plan);
    return { name, grant: plane.grant(anew, approvals(digestOf(anew))), code: SHORT, reason: /and Ada did/ };
  };
  return [
    attempt('one holder alone', (digest) => signedBy(digest, ada)),
    attempt('one signature twenty times', (digest) => Array.from({ length: 20 }, () => signedBy(digest, ada)).flat()),
    attempt('two keys of one holder', (digest) => signedBy(digest, ada, adaPhone)),
    attempt('two keys of one holder, named as two people', (digest) =>
      signedBy(digest, ada, adaPhone).map((it, n) => ({
        ...it,
        person: { ...it.person, name: n === 0 ? 'Ada' : 'Grace' },
      })),
    ),
    attempt('a passkey that signed twice', (digest) => signedBy(digest, adaPhone, adaPhone)),
  ];
}

/** Everything signed as it should be, and the time is over, or has not come. */
function untimely({ plane, people: { ada, grace } }: Given, plan: Plan): GrantAttempt[] {
  const day = 86_400_000;
  const attempt = (name: string, validForMs: number, bend: object, code: string, reason?: RegExp): GrantAttempt => {
    const anew = askedAnew(plan, validForMs);
    const grant = plane.grant(anew, signedBy(digestOf(anew), ada, grace), bend);
    return { name, grant, code, ...(reason ? { reason } : {}) };
  };
  const now = Date.now();
  return [
    attempt('a plan that was signed a week ago', -7 * day, {}, 'grant_expired'),
    attempt(
      'a plan whose time ended a second ago, in a grant that lasts',
      -1000,
      { expiresAt: now + day },
      'grant_expired',
    ),
    attempt('a grant whose time is over', day, { issuedAt: now - 2000, expiresAt: now - 1000 }, 'grant_expired'),
    attempt('a grant from tomorrow', 3 * day, { issuedAt: now + day, expiresAt: now + 2 * day }, 'clock_skew'),
    attempt(
      'a grant that ends before it begins',
      day,
      { issuedAt: now, expiresAt: now - 1 },
      'grant_invalid',
      /ends before/,
    ),
  ];
}

/** People signed, but what they were shown was made up. The server looks again right before the start. */
function madeUp({ plane, people: { ada, grace } }: Given, plan: Plan): GrantAttempt[] {
  const [shown] = plan.preview.steps as [Plan['preview']['steps'][number]];
  const previews: Record<string, Partial<Plan['preview']>> = {
    'another argv': { steps: [{ ...shown, argv: [['true']] }] },
    'no step at all': { steps: [] },
    'a diff that is none': { steps: [{ ...shown, diff: '+nothing' }] },
    'a way back that is none': { steps: [{ ...shown, undo: 'It is put back.' }] },
    'harmless effects': { steps: [{ ...shown, effects: ['Nothing changes.'] }] },
    foresight: { predictable: true },
    'a state that never was': { witness: [{ subject: 'unit nginx.service', property: 'state', value: 'failed' }] },
  };
  return Object.entries(previews).map(([name, preview]) => {
    const anew = askedAnew({ ...plan, preview: { ...plan.preview, ...preview } });
    const approvals = signedBy(digestOf(anew), ada, grace);
    return { name: `a preview made up: ${name}`, grant: plane.grant(anew, approvals), code: 'state_drifted' };
  });
}
