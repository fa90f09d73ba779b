import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as OTPAuth from 'otpauth';
import { auditEvents, openDoor, owner, ownerSession } from '../http/door.ts';
import { codes } from '../http/refused.ts';

test('when the setup link is used, its owner is signed in, and a second use is refused', async (context) => {
  const door = await openDoor(context);
  assert.deepEqual(await door.call()('getSetup', {}), { needed: true });
  const secret = await door.setupSecret();
  const answer = await door.call()('setUp', { ...owner, secret, cli: true });
  assert.equal(answer.person.role, 'owner');
  assert.match(answer.session ?? '', /^css_/);
  assert.deepEqual(await door.call()('getSetup', {}), { needed: false });
  await assert.rejects(door.call()('setUp', { ...owner, secret, cli: true }), codes('setup_done'));
  const about = (await auditEvents(door)).filter((event) => event !== 'policy.loaded');
  assert.deepEqual(about, ['setup.link_made', 'setup.finished', 'person.signed_in', 'setup.refused']);
});

test('when two use the setup link at once, one owner is made', async (context) => {
  const door = await openDoor(context);
  const secret = await door.setupSecret();
  const tries = await Promise.allSettled(
    ['a@example.org', 'b@example.org', 'c@example.org'].map((email) =>
      door.call()('setUp', { ...owner, email, secret, cli: true }),
    ),
  );
  assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('when the setup link is older than 15 minutes, wrong, or replaced by a newer one, it is refused', async (context) => {
  const door = await openDoor(context);
  const [old, fresh] = [await door.setupSecret(), await door.setupSecret()];
  const use = (secret: string) => door.call()('setUp', { ...owner, secret, cli: true });
  await assert.rejects(use(old), codes('setup_link_invalid'));
  await assert.rejects(use('csu_nonsense'), codes('setup_link_invalid'));
  door.clock.forward(15 * 60_000 + 1);
  await assert.rejects(use(fresh), codes('setup_link_invalid'));
  assert.deepEqual(await door.call()('getSetup', {}), { needed: true });
});

test('when nobody can sign in any more, a new setup link gives the owner a new password and ends old sessions', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const secret = await door.setupSecret();
  await door.call()('setUp', { ...owner, password: 'a quite new password', secret, cli: true });
  await assert.rejects(door.call(session)('getMe', {}), codes('unauthenticated'));
  await door.call()('signIn', { email: owner.email, password: 'a quite new password', cli: true });
});

test('when address or password is wrong, the answer is the same and is audited', async (context) => {
  const door = await openDoor(context);
  await ownerSession(door);
  const wrongPassword = door.call()('signIn', { email: owner.email, password: 'not it', cli: true });
  const wrongAddress = door.call()('signIn', { email: 'bob@example.org', password: owner.password, cli: true });
  const [first, second] = await Promise.allSettled([wrongPassword, wrongAddress]);
  assert.equal(first.status, 'rejected');
  assert.equal(second.status, 'rejected');
  assert.deepEqual(first.reason.body, second.reason.body);
  assert.equal(first.reason.code, 'sign_in_failed');
  assert.equal((await auditEvents(door)).filter((event) => event === 'sign_in.refused').length, 2);
});

test('when the address is typed in capitals and the password in another Unicode form, signing in works', async (context) => {
  const door = await openDoor(context);
  const password = 'caf\u00e9 caf\u00e9 caf\u00e9';
  await door.call()('setUp', { ...owner, password, secret: await door.setupSecret() });
  await door.call()('signIn', { email: owner.email.toUpperCase(), password: password.normalize('NFD'), cli: true });
});

test('when an account fails ten times, it has to wait, even with the right password, until ten minutes are over', async (context) => {
  const door = await openDoor(context);
  await ownerSession(door);
  const attempt = (password: string) => door.call()('signIn', { email: owner.email, password, cli: true });
  for (let n = 0; n < 10; n += 1) await assert.rejects(attempt('wrong wrong wrong'), codes('sign_in_failed'));
  await assert.rejects(attempt(owner.password), codes('rate_limited'));
  door.clock.forward(10 * 60_000 + 1);
  await attempt(owner.password);
});

test('when one address tries many accounts, it has to wait', async (context) => {
  const door = await openDoor(context);
  await ownerSession(door);
  const attempt = (n: number) => door.core.attempts.begin(`person${n}@example.org`, '192.0.2.1');
  for (let n = 0; n < 30; n += 1) attempt(n);
  assert.throws(() => attempt(31), codes('rate_limited'));
  door.core.attempts.begin(owner.email, '192.0.2.2');
});

test('T4: when the authenticator app is on, signing in and adding a passkey take a code, and each code works once', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { secret, uri } = await door.call(session)('startTotp', {});
  assert.match(uri, /^otpauth:\/\/totp\/Countersign:ada%40example\.org\?/);
  const codeNow = () =>
    new OTPAuth.TOTP({ secret: OTPAuth.Secret.fromBase32(secret) }).generate({ timestamp: door.clock.now() });
  await assert.rejects(door.call(session)('confirmTotp', { code: '000000' }), codes('sign_in_failed'));
  const first = codeNow();
  await door.call(session)('confirmTotp', { code: first });
  assert.equal((await door.call(session)('getMe', {})).person.totp, true);

  const signIn = (code?: string) =>
    door.call()('signIn', { ...{ email: owner.email, password: owner.password }, cli: true, code });
  await assert.rejects(signIn(), codes('code_required'));
  await assert.rejects(signIn(first), codes('sign_in_failed')); // it was used to turn the app on
  door.clock.forward(30_000);
  const code = codeNow();
  const strong = await signIn(code);
  assert.equal((await door.call(strong.session ?? '')('getMe', {})).strength, 'code');
  await assert.rejects(signIn(code), codes('sign_in_failed'));
  door.clock.forward(30_000);
  const next = codeNow();
  const twins = await Promise.allSettled([signIn(next), signIn(next)]);
  assert.equal(twins.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(door.call(session)('startTotp', {}), codes('forbidden'));
  // A passkey signs in alone, so the password alone must not make one.
  const proof = { kind: 'password', password: owner.password } as const;
  await assert.rejects(door.call(session)('startPasskey', { proof }), codes('proof_needed'));
});

test('when the database is read, no secret stands in it', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { secret: totp } = await door.call(session)('startTotp', {});
  const { secret: token } = await door.call(session)('createToken', { name: 'Claude' });
  const rows = [];
  for (const table of ['person', 'session', 'token', 'one_use_secret', 'audit_entry'] as const)
    rows.push(await door.db.selectFrom(table).selectAll().execute());
  const text = JSON.stringify(rows);
  for (const secret of [session, totp, token, owner.password]) assert.ok(!text.includes(secret), secret.slice(0, 4));
});

test('when a session is not used for its idle time, or gets too old, it ends', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  for (let day = 0; day < 89; day += 29) {
    await door.call(session)('getMe', {});
    door.clock.forward(29 * 86_400_000);
  }
  await assert.rejects(door.call(session)('getMe', {}), codes('unauthenticated'));
  const second = await door.call()('signIn', { email: owner.email, password: owner.password, cli: true });
  door.clock.forward(30 * 86_400_000 + 1);
  await assert.rejects(door.call(second.session ?? '')('getMe', {}), codes('unauthenticated'));
});
