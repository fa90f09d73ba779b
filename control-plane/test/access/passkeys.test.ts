import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ApproverSignature } from '@countersign/protocol';
import { whyNotSigned } from '@countersign/protocol/approver-signature';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { type Algorithm, makePasskey, type SoftwarePasskey, type Twist } from '../../../test/world/software-passkey.ts';
import { relyingPartyOf } from '../../src/access/relying-party.ts';
import { auditEvents, type Door, openDoor, owner, ownerSession } from '../http/door.ts';
import { codes } from '../http/refused.ts';

const password: Proof = { kind: 'password', password: owner.password };

/** A door with an owner who has a passkey. */
async function doorWithPasskey(context: TestContext) {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const site = { rpId: 'localhost', origin: door.place.publicUrl };
  const passkey = makePasskey(site);
  const call = door.call(session);
  const { options } = await call('startPasskey', { proof: password });
  const added = await call('addPasskey', { name: 'phone', response: passkey.register(options) });
  return { door, session, call, passkey, site, added: added.passkey };
}

/** Signs in as a browser does; returns the cookie. */
async function signIn(door: Door, passkey: SoftwarePasskey, twist: Twist = {}): Promise<string> {
  const { options } = await door.call()('startPasskeySignIn', {});
  return answer(door, passkey.assert(options, twist));
}

async function answer(door: Door, response: Record<string, unknown>): Promise<string> {
  let cookie = '';
  const keepCookie: typeof fetch = async (input, init) => {
    const reply = await fetch(input, init);
    cookie = reply.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    return reply;
  };
  await operatorClient({ base: door.base, fetch: keepCookie })('signInWithPasskey', { response: response as never });
  return cookie;
}

async function me(door: Door, cookie: string) {
  const reply = await fetch(`${door.base}/api/v1/session`, { headers: { cookie, host: `localhost:${door.port}` } });
  return { status: reply.status, ...((await reply.json()) as { strength?: string; person?: { passkeys: number } }) };
}

const refusals = async (door: Door) => {
  const rows = await door.db.selectFrom('audit_entry').select('body').where('event', '=', 'passkey.refused').execute();
  return rows.map(({ body }) => (JSON.parse(body) as { details: { why: string } }).details.why);
};

test('when a passkey was added, its owner signs in with it alone, and the session is as strong as that', async (context) => {
  const { door, call, passkey, added } = await doorWithPasskey(context);
  assert.equal(added.key, passkey.key);
  const cookie = await signIn(door, passkey);
  assert.match(cookie, /^countersign=csw_/);
  const found = await me(door, cookie);
  assert.equal(found.strength, 'passkey');
  assert.equal(found.person?.passkeys, 1);
  const { passkeys, party } = await call('listPasskeys', {});
  assert.ok(passkeys[0]?.last_used_at);
  assert.deepEqual(party, { id: 'localhost', origins: [door.place.publicUrl] });
  const signedIn = await door.db
    .selectFrom('audit_entry')
    .select('body')
    .where('event', '=', 'person.signed_in')
    .orderBy('seq', 'desc')
    .executeTakeFirstOrThrow();
  assert.match(signedIn.body, /"strength":"passkey"/);
  assert.ok((await auditEvents(door)).includes('passkey.added'));
});

test('when a device makes keys of another kind, they sign in, and servers verify them by the text of the key', async (context) => {
  const door = await openDoor(context);
  const call = door.call(await ownerSession(door));
  const party = { id: 'localhost', origins: [door.place.publicUrl] };
  const digest = 'ab'.repeat(32);
  const use = async (algorithm: Algorithm) => {
    const passkey = makePasskey({ rpId: 'localhost', origin: door.place.publicUrl }, algorithm);
    const { options } = await call('startPasskey', { proof: password });
    const added = await call('addPasskey', { name: algorithm, response: passkey.register(options) });
    assert.equal(added.passkey.key, passkey.key, algorithm);
    await signIn(door, passkey);
    const signature = { ...passkey.signDigest(digest), key: added.passkey.key } as ApproverSignature;
    assert.equal(whyNotSigned(signature, digest, party), null, algorithm);
    assert.notEqual(whyNotSigned(signature, 'cd'.repeat(32), party), null, algorithm);
  };
  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) await use(algorithm);
});

test('when the answer of a passkey is not what was asked for, it is refused and on record', async (context) => {
  const { door, passkey } = await doorWithPasskey(context);
  const lies: [Twist, RegExp][] = [
    [{ userVerified: false }, /[Uu]ser verification/],
    [{ origin: 'https://evil.example' }, /origin/],
    [{ rpId: 'evil.example' }, /RP ID/],
    [{ crossOrigin: true }, /challenge/],
    [{ challenge: Buffer.alloc(32, 1).toString('base64url') }, /challenge/],
  ];
  for (const [twist, why] of lies) {
    await assert.rejects(signIn(door, passkey, twist), codes('sign_in_failed'), JSON.stringify(twist));
    assert.match((await refusals(door)).at(-1) ?? '', why);
  }
  const { options } = await door.call()('startPasskeySignIn', {});
  const forged = passkey.assert(options) as { response: Record<string, string> };
  forged.response.signature = `${forged.response.signature?.slice(0, -6)}AAAAAA`;
  await assert.rejects(answer(door, forged), codes('sign_in_failed'));
  await assert.rejects(answer(door, { nonsense: true }), codes('sign_in_failed'));
  await signIn(door, passkey);
});

test('when a challenge was used, is too old, or was given out for something else, no answer to it counts', async (context) => {
  const { door, call, passkey } = await doorWithPasskey(context);
  const start = async () => (await door.call()('startPasskeySignIn', {})).options;
  const once = passkey.assert(await start());
  await answer(door, once);
  await assert.rejects(answer(door, once), codes('sign_in_failed'));
  const late = passkey.assert(await start());
  door.clock.forward(5 * 60_000 + 1);
  await assert.rejects(answer(door, late), codes('sign_in_failed'));
  const { options } = await call('startProof', {});
  await assert.rejects(answer(door, passkey.assert(options)), codes('sign_in_failed'));
  const forSignIn = { kind: 'passkey', response: passkey.assert(await start()) } as const;
  await assert.rejects(call('startPasskey', { proof: forSignIn }), codes('sign_in_failed'));
  // What was signed to approve a plan is no way in.
  const approval = passkey.signDigest('ab'.repeat(32));
  assert.ok(approval.kind === 'passkey');
  const { authenticatorData, clientData: clientDataJSON, signature } = approval;
  const signIn = { ...once, response: { authenticatorData, clientDataJSON, signature } };
  await assert.rejects(answer(door, signIn), codes('sign_in_failed'));
  const rows = await door.db.selectFrom('webauthn_challenge').selectAll().execute();
  assert.ok(rows.every(({ expires_at }) => expires_at > door.clock.now()));
});

test('T4: when the counter of a passkey goes back, there may be a copy of it, and it is refused', async (context) => {
  const { door, passkey } = await doorWithPasskey(context);
  await signIn(door, passkey, { counter: 9 });
  await assert.rejects(signIn(door, passkey, { counter: 9 }), codes('sign_in_failed'));
  await assert.rejects(signIn(door, passkey, { counter: 3 }), codes('sign_in_failed'));
  assert.match((await refusals(door)).at(-1) ?? '', /counter went from 9 to 3/);
  await signIn(door, passkey, { counter: 10 });
});

test('when a passkey never counts, as those kept on several devices do, it works again and again', async (context) => {
  const door = await openDoor(context);
  const call = door.call(await ownerSession(door));
  const passkey = makePasskey({ rpId: 'localhost', origin: door.place.publicUrl });
  const { options } = await call('startPasskey', { proof: password });
  await call('addPasskey', { name: 'synced', response: passkey.register(options, { counter: 0 }) });
  await signIn(door, passkey, { counter: 0 });
  await signIn(door, passkey, { counter: 0 });
});

test('when a passkey is registered for nobody, or was removed, it opens nothing', async (context) => {
  const { door, call, passkey, site, added } = await doorWithPasskey(context);
  await assert.rejects(signIn(door, makePasskey(site)), codes('passkey_unknown'));
  const cookie = await signIn(door, passkey);
  const wrong: Proof = { kind: 'password', password: 'not the password' };
  await assert.rejects(call('removePasskey', { passkey: added.id, proof: wrong }), codes('sign_in_failed'));
  await assert.rejects(call('removePasskey', { passkey: 'psk_000000000000', proof: password }), codes('not_found'));
  await call('removePasskey', { passkey: added.id, proof: password });
  await assert.rejects(signIn(door, passkey), codes('passkey_unknown'));
  // Who removes a passkey mostly lost it: the sessions that were made with it end too, the own one stays.
  assert.equal((await me(door, cookie)).status, 401);
  assert.equal((await call('getMe', {})).person.passkeys, 0);
  assert.ok((await auditEvents(door)).includes('passkey.removed'));
});

test('when a passkey is added, it takes a fresh proof, and the answer belongs to the session that was asked', async (context) => {
  const { door, call, passkey, site } = await doorWithPasskey(context);
  const wrong: Proof = { kind: 'password', password: 'not the password' };
  await assert.rejects(call('startPasskey', { proof: wrong }), codes('sign_in_failed'));
  await assert.rejects(call('startPasskey', { proof: { kind: 'code', code: '123456' } }), codes('proof_needed'));
  const second = makePasskey(site);
  const { session } = await door.call()('signIn', { email: owner.email, password: owner.password, cli: true });
  const { options } = await call('startPasskey', { proof: password });
  const elsewhere = door.call(session ?? '')('addPasskey', { name: 'b', response: second.register(options) });
  await assert.rejects(elsewhere, codes('invalid_input'));
  const again = (await call('startPasskey', { proof: password })).options;
  assert.deepEqual(
    (again.excludeCredentials as { id: string }[]).map(({ id }) => id),
    [passkey.credentialId],
  );
  await assert.rejects(
    call('addPasskey', { name: 'twice', response: passkey.register(again) }),
    codes('invalid_input'),
  );
  const third = (await call('startPasskey', { proof: password })).options;
  const unverified = second.register(third, { userVerified: false });
  await assert.rejects(call('addPasskey', { name: 'c', response: unverified }), codes('invalid_input'));
});

test('when a passkey is the proof, it has to be of the person who asks', async (context) => {
  const { door, call, passkey, site } = await doorWithPasskey(context);
  const proof = await call('startProof', {});
  assert.deepEqual(proof.kinds, ['password', 'passkey']);
  const own = { kind: 'passkey', response: passkey.assert(proof.options) } as const;
  await call('startPasskey', { proof: own });
  await assert.rejects(call('startPasskey', { proof: own }), codes('sign_in_failed')); // it was used

  const { link } = await call('invitePerson', { email: 'bob@example.org', name: 'Bob', role: 'approver' });
  const secret = link.split('#')[1] ?? '';
  const bob = await door.call()('acceptInvitation', { secret, password: 'bob has a password', cli: true });
  const bobs = door.call(bob.session ?? '');
  assert.deepEqual(await bobs('startProof', {}), { kinds: ['password'], options: null });
  const bobsPasskey = makePasskey(site);
  const { options } = await bobs('startPasskey', { proof: { kind: 'password', password: 'bob has a password' } });
  await bobs('addPasskey', { name: 'bob', response: bobsPasskey.register(options) });
  const fresh = await call('startProof', {});
  const stolen = bobsPasskey.assert({ challenge: fresh.options?.challenge ?? '' });
  await assert.rejects(
    call('startPasskey', { proof: { kind: 'passkey', response: stolen } }),
    codes('passkey_unknown'),
  );
});

test('when one passkey fails ten times, it has to wait, and the password still works', async (context) => {
  const { door, passkey } = await doorWithPasskey(context);
  for (let n = 0; n < 10; n += 1)
    await assert.rejects(signIn(door, passkey, { userVerified: false }), codes('sign_in_failed'));
  await assert.rejects(signIn(door, passkey), codes('rate_limited'));
  await door.call()('signIn', { email: owner.email, password: owner.password, cli: true });
  door.clock.forward(10 * 60_000 + 1);
  await signIn(door, passkey);
});

test('when a person is removed or set up anew, their passkeys open nothing any more', async (context) => {
  const { door, passkey } = await doorWithPasskey(context);
  const secret = await door.setupSecret();
  await door.call()('setUp', { ...owner, password: 'a quite new password', secret, cli: true });
  await assert.rejects(signIn(door, passkey), codes('passkey_unknown'));
});

test('when the site is an address or plain http, passkeys are refused with the reason', async (context) => {
  const reasons = [
    ['http://192.0.2.7:7070', /192\.0\.2\.7 is an address/],
    ['https://[2001:db8::1]', /is an address/],
    ['http://ops.example.org', /https only/],
  ] as const;
  for (const [url, reason] of reasons) {
    const found = relyingPartyOf(url);
    assert.match('impossible' in found ? found.impossible : '', reason, url);
  }
  assert.deepEqual(relyingPartyOf('https://ops.example.org'), {
    party: { id: 'ops.example.org', origins: ['https://ops.example.org'] },
  });
  assert.ok('party' in relyingPartyOf('http://localhost:7070'));

  const door = await openDoor(context, { env: { COUNTERSIGN_URL: 'http://192.0.2.7:7070' } });
  const made = await fetch(`${door.base}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...owner, secret: await door.setupSecret(), cli: true }),
  });
  const { session } = (await made.json()) as { session: string };
  const call = door.call(session);
  assert.match((await call('listPasskeys', {})).impossible_because ?? '', /address/);
  await assert.rejects(call('startPasskey', { proof: password }), codes('passkey_impossible'));
  assert.equal((await door.call()('startPasskeySignIn', {})).options, null);
});
