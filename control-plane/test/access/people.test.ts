import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operationNamed, operationNames } from '@countersign/protocol/operator-api/index';
import { mayCall } from '../../src/access/permissions.ts';
import type { Caller } from '../../src/ports.ts';
import { auditEvents, type Door, openDoor, owner, ownerSession } from '../http/door.ts';
import { codes } from '../http/refused.ts';

async function invited(door: Door, session: string, email: string, role: 'viewer' | 'approver' | 'owner') {
  const { person, link } = await door.call(session)('invitePerson', { email, name: 'Bob', role });
  const secret = link.split('#')[1] ?? '';
  const answer = await door.call()('acceptInvitation', { secret, password: 'bob has a password', cli: true });
  return { id: person.id, link, secret, session: answer.session ?? '' };
}

test('when a person accepts an invitation, they are signed in with the role they were given, and the link works once', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const bob = await invited(door, session, 'Bob@Example.org', 'approver');
  assert.match(bob.link, /^http:\/\/localhost:\d+\/invite#csi_/);
  const { person } = await door.call(bob.session)('getMe', {});
  assert.deepEqual({ email: person.email, role: person.role }, { email: 'bob@example.org', role: 'approver' });
  const again = { secret: bob.secret, password: 'another password', cli: true };
  await assert.rejects(door.call()('acceptInvitation', again), codes('invitation_invalid'));
  assert.deepEqual(
    (await door.call(bob.session)('listPeople', {})).people.map(({ name }) => name),
    ['Ada', 'Bob'],
  );
});

test('when an invitation is repeated, the first link ends; when it is three days old, it ends too', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const invite = async () => {
    const { link } = await door.call(session)('invitePerson', { email: 'b@example.org', name: 'B', role: 'viewer' });
    return link.split('#')[1] ?? '';
  };
  const [first, second] = [await invite(), await invite()];
  const accept = (secret: string) => door.call()('acceptInvitation', { secret, password: 'long enough it is' });
  await assert.rejects(accept(first), codes('invitation_invalid'));
  door.clock.forward(3 * 86_400_000 + 1);
  await assert.rejects(accept(second), codes('invitation_invalid'));
});

test('when somebody who works here is invited again, that is refused', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  await assert.rejects(
    door.call(session)('invitePerson', { email: owner.email, name: 'A', role: 'viewer' }),
    codes('invalid_input'),
  );
});

test('when a person is removed, their sessions and tokens end at once and their address is free again', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const bob = await invited(door, session, 'bob@example.org', 'approver');
  const { secret: token } = await door.call(bob.session)('createToken', { name: 'Cursor' });
  await door.call(session)('removePerson', { person: bob.id });
  await assert.rejects(door.call(bob.session)('getMe', {}), codes('unauthenticated'));
  await assert.rejects(door.call(token)('listServers', {}), codes('unauthenticated'));
  const signIn = { email: 'bob@example.org', password: 'bob has a password', cli: true };
  await assert.rejects(door.call()('signIn', signIn), codes('sign_in_failed'));
  await invited(door, session, 'bob@example.org', 'viewer');
  assert.ok((await auditEvents(door)).includes('person.removed'));
});

test('T4: when a session was stolen long after signing in, it neither invites who may decide, removes people, nor brings an authenticator app', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const call = door.call(session);
  const bob = await invited(door, session, 'bob@example.org', 'approver');
  door.clock.forward(10 * 60_000);
  const needed = codes('proof_needed');
  await assert.rejects(call('invitePerson', { email: 'eve@example.org', name: 'Eve', role: 'approver' }), needed);
  await assert.rejects(call('removePerson', { person: bob.id }), needed);
  await assert.rejects(call('startTotp', {}), needed);
  await call('invitePerson', { email: 'val@example.org', name: 'Val', role: 'viewer' });
  const proof = { kind: 'password', password: owner.password } as const;
  await call('startTotp', { proof });
  await call('invitePerson', { email: 'eve@example.org', name: 'Eve', role: 'approver', proof });
  await call('removePerson', { person: bob.id, proof });
});

test('when the last owner would be removed, that is refused', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { person } = await door.call(session)('getMe', {});
  await assert.rejects(door.call(session)('removePerson', { person: person.id }), codes('forbidden'));
  await assert.rejects(door.call(session)('removePerson', { person: 'prs_000000000000' }), codes('not_found'));
});

test('when a person turns form answers on, it takes the password', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  await assert.rejects(door.call(session)('setIdeAnswers', { on: true, password: 'wrong' }), codes('sign_in_failed'));
  await door.call(session)('setIdeAnswers', { on: true, password: owner.password });
  assert.equal((await door.call(session)('getMe', {})).person.ide_answers, true);
});

test('when a token is made, it reads and asks; T5: it never does what takes a person, and each attempt is on record', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { secret: token } = await door.call(session)('createToken', { name: 'Claude', scope: 'request' });
  for (const name of operationNames.filter((it) => /person|approver|owner/.test(operationNamed(it).access)))
    await assert.rejects(door.call(token)(name, {} as never), codes('forbidden'), name);
  const refused = await door.db
    .selectFrom('audit_entry')
    .select('body')
    .where('event', '=', 'credential.refused')
    .execute();
  assert.ok(refused.some(({ body }) => body.includes('approveAction')));
});

test('when a token is wrong, revoked or expired, it is refused; its owner sees when it was used', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const make = () => door.call(session)('createToken', { name: 'Codex', scope: 'read', days: 1 });
  const [a, b] = [await make(), await make()];
  assert.equal((await door.call(session)('getConnect', {})).first_call_at, null);
  await assert.rejects(door.call(a.secret)('getMe', {}), codes('forbidden')); // known, but no person
  assert.ok((await door.call(session)('getConnect', {})).first_call_at);
  const { tokens } = await door.call(session)('listTokens', {});
  assert.ok(tokens.find(({ id }) => id === a.token.id)?.last_used_at);
  assert.ok(!JSON.stringify(tokens).includes(a.secret));
  await door.call(session)('revokeToken', { token: a.token.id });
  await assert.rejects(door.call(a.secret)('getMe', {}), codes('unauthenticated'));
  await assert.rejects(door.call(session)('revokeToken', { token: a.token.id }), codes('not_found'));
  door.clock.forward(86_400_000);
  await assert.rejects(door.call(b.secret)('getMe', {}), codes('unauthenticated'));
  await assert.rejects(door.call(`${b.secret}x`)('getMe', {}), codes('unauthenticated'));
  await assert.rejects(door.call('csr_')('getMe', {}), codes('unauthenticated'));
});

test('when an assistant comes by stdio, its token shows which program it was', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { secret } = await door.call(session)('createToken', { name: 'stdio' });
  for (const agent of ['claude-code 2.1 (countersign-mcp)', 'codex 0.169 (countersign-mcp)', 'curl/8']) {
    const headers = { authorization: `Bearer ${secret}`, 'user-agent': agent };
    await fetch(`${door.base}/api/v1/people`, { headers });
  }
  const { tokens } = await door.call(session)('listTokens', {});
  assert.equal(tokens[0]?.last_client, 'codex 0.169');
  assert.equal((await door.call(session)('getConnect', {})).last_client, 'codex 0.169');
});

test('when a person ends a token that is not theirs, only an owner may', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const bob = await invited(door, session, 'bob@example.org', 'viewer');
  const ofOwner = await door.call(session)('createToken', { name: 'mine' });
  const ofBob = await door.call(bob.session)('createToken', { name: 'his' });
  await assert.rejects(door.call(bob.session)('revokeToken', { token: ofOwner.token.id }), codes('not_found'));
  await door.call(session)('revokeToken', { token: ofBob.token.id });
});

test('when permissions are asked of every kind of caller, a token never passes as a person', () => {
  const person = (role: 'viewer' | 'approver' | 'owner'): Caller => ({
    ...{ person: { id: 'prs_1', name: 'A', role }, via: 'dashboard', token: null },
    ...{ session: { id: 'ses_1', strength: 'session' }, client: null, ip: null },
  });
  const token = (scope: 'read' | 'request'): Caller => ({
    ...person('owner'),
    ...{ via: 'api', session: null, token: { id: 'tok_1', name: 'T', scope } },
  });
  const may = (caller: Caller | null) =>
    (['public', 'read', 'request', 'person', 'approver', 'owner'] as const).filter(
      (it) => mayCall(caller, it) === true,
    );
  assert.deepEqual(may(null), ['public']);
  assert.deepEqual(may(token('read')), ['public', 'read']);
  assert.deepEqual(may(token('request')), ['public', 'read', 'request']);
  assert.deepEqual(may(person('viewer')), ['public', 'read', 'request', 'person']);
  assert.deepEqual(may(person('approver')), ['public', 'read', 'request', 'person', 'approver']);
  assert.deepEqual(may(person('owner')), ['public', 'read', 'request', 'person', 'approver', 'owner']);
  assert.equal(mayCall(null, 'read'), 'unauthenticated');
  assert.equal(mayCall(token('request'), 'approver'), 'forbidden');
  // Somebody with both would be a mistake of ours: then the token counts.
  assert.equal(mayCall({ ...person('owner'), token: token('read').token }, 'owner'), 'forbidden');
});
