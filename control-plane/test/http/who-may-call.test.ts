import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@countersign/protocol';
import {
  type Access,
  assistantOperations,
  type Call,
  type OperationName,
  operationNamed,
  operationNames,
} from '@countersign/protocol/operator-api/index';
import { product } from './product.ts';

const reaches: Record<string, readonly Access[]> = {
  nobody: ['public'],
  'a token that may read': ['public', 'read'],
  'a token that may request': ['public', 'read', 'request'],
  'a viewer': ['public', 'read', 'request', 'person'],
  'an approver': ['public', 'read', 'request', 'person', 'approver'],
};

/** The code that a call without input is refused with; null when it was carried out. */
async function codeOf(call: Call, name: OperationName): Promise<string | null> {
  try {
    await call(name, {} as never);
    return null;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

test('T5: when every kind of caller tries every operation, tokens read and ask, and only people decide', async (context) => {
  const { as, owner, joins } = await product(context);
  const callers: Record<string, Call> = {
    nobody: as(),
    'a token that may read': as((await owner('createToken', { name: 'r', scope: 'read' })).secret),
    'a token that may request': as((await owner('createToken', { name: 'q', scope: 'request' })).secret),
    'a viewer': as(await joins('viewer')),
    'an approver': as(await joins('approver')),
  };
  for (const [who, call] of Object.entries(callers))
    for (const name of operationNames) {
      const { access } = operationNamed(name);
      const may = reaches[who]?.includes(access) ?? false;
      // What people may do is not tried here without input: it would sign them out, pause everything and the like.
      if (may && access !== 'read' && access !== 'request') continue;
      const code = await codeOf(call, name);
      const denied = who === 'nobody' ? 'unauthenticated' : 'forbidden';
      if (may) assert.ok(code !== 'unauthenticated' && code !== 'forbidden', `${who}, ${name}: ${code}`);
      else assert.equal(code, denied, `${who}, ${name}`);
    }
});

test('T5, T19: when a token comes as a cookie, or beside the cookie of a person, nobody is decided for', async (context) => {
  const { url, owner, password } = await product(context);
  const { secret: token } = await owner('createToken', { name: 'Claude' });
  const signIn = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.org', password }),
  });
  const cookie = signIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  assert.match(cookie, /^countersign=csw_/);
  const approve = async (headers: Record<string, string>) => {
    const answer = await fetch(`${url}/api/v1/actions/act_000000000000/approve`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-countersign': '1', ...headers },
      body: JSON.stringify({ digest: 'a'.repeat(64) }),
    });
    return ((await answer.json()) as { error: { code: string } }).error.code;
  };
  assert.equal(await approve({ cookie: `countersign=${token}` }), 'unauthenticated');
  assert.equal(await approve({ cookie, authorization: `Bearer ${token}` }), 'forbidden');
  assert.equal(await approve({ cookie, authorization: `Bearer ${cookie.split('=')[1]}` }), 'unauthenticated');
  assert.equal(await approve({ cookie }), 'action_not_found');
});

test('T5: when the operations of assistants are listed, none of them takes a person', () => {
  for (const [name, { access }] of Object.entries(assistantOperations))
    assert.ok(access === 'read' || access === 'request', name);
  const deciding = operationNames.filter((name) =>
    /approve|reject|confirm|resume|decide|lock|passkey|role/i.test(name),
  );
  assert.ok(deciding.length > 10);
  for (const name of deciding) assert.ok(!Object.hasOwn(assistantOperations, name), name);
});
