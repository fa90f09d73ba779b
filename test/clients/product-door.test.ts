/** Who comes in at `/mcp`, whose sessions are whose, and when they end. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../world/eventually.ts';
import { connect, revisions } from './connections.ts';
import { handClock } from './hand-clock.ts';
import { type ProductApp, type ProductOptions, startProductApp, tokens } from './product-app.ts';

async function appFor(t: TestContext, options: ProductOptions = {}): Promise<ProductApp> {
  const app = await startProductApp(options);
  t.after(() => app.close());
  return app;
}

interface Sent {
  readonly token?: string | undefined;
  readonly session?: string | undefined;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

function send(app: ProductApp, body: unknown, { token = tokens.ada, session, method = 'POST', headers }: Sent = {}) {
  return fetch(app.mcpUrl, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...(session === undefined ? {} : { 'mcp-session-id': session }),
      ...headers,
    },
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  });
}

const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };

async function openSession(app: ProductApp, token = tokens.ada): Promise<string> {
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  const opened = await send(app, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, { token });
  await opened.text();
  const session = opened.headers.get('mcp-session-id');
  assert.ok(session);
  return session;
}

async function statusOf(app: ProductApp, session: string, token = tokens.ada): Promise<number> {
  const response = await send(app, list, { session, token });
  await response.text();
  return response.status;
}

test('T5, T19: when no token comes, but a cookie or a session of a person, nobody is let in', async (t) => {
  const app = await appFor(t);
  const cookie = `countersign=${tokens.ada}; __Host-countersign=${tokens.ada}`;
  const plain = await fetch(app.mcpUrl, { method: 'POST', headers: { cookie, 'content-type': 'application/json' } });
  assert.equal(plain.status, 401);
  assert.equal(plain.headers.get('www-authenticate'), 'Bearer realm="Countersign"');
  const { jsonrpc, id, error } = (await plain.json()) as { jsonrpc: string; id: null; error: Record<string, unknown> };
  assert.deepEqual([jsonrpc, id, (error.data as { code: string }).code], ['2.0', null, 'unauthenticated']);
  for (const token of [tokens.session, 'nonsense', `${tokens.ada}x`]) {
    const refused = await send(app, list, { token });
    assert.equal(refused.status, 401, token);
    assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/);
  }
});

test('T18: when a web page sends the request, it is refused even with a good token; an editor is not', async (t) => {
  const app = await appFor(t);
  for (const origin of ['https://evil.example', 'http://localhost:3000', 'null', app.url]) {
    const refused = await send(app, list, { headers: { origin } });
    assert.equal(refused.status, 403, origin);
    assert.match(await refused.text(), /origin_denied/);
  }
  const editor = await send(app, list, { headers: { origin: 'vscode-file://vscode-app' } });
  assert.equal(editor.status, 400, 'it only lacks a session');
});

test('when a stranger sends a large body, it is refused without being read', async (t) => {
  const app = await appFor(t);
  const refused = await send(app, 'x'.repeat(5_000_000), { token: 'nobody' }).catch((error: Error) => error);
  if (refused instanceof Response) assert.equal(refused.status, 401);
  else assert.match(String(refused.cause), /EPIPE|ECONNRESET|closed/);
});

test('when the body is not JSON, the answer is a parse error of JSON-RPC', async (t) => {
  const app = await appFor(t);
  const refused = await send(app, '{"jsonrpc":');
  assert.equal(refused.status, 400);
  assert.equal(((await refused.json()) as { error: { code: number } }).error.code, -32700);
});

test('when a file of one megabyte is written, the request fits', async (t) => {
  const app = await appFor(t);
  const client = await connect('2026-07-28', { mcpUrl: app.mcpUrl, token: tokens.ada });
  t.after(() => client.close());
  const write = { server: 'web-1', path: '/etc/x', content: '\u0001'.repeat(1024 * 1024), expected_sha256: null };
  const { structured } = await client.call('write_file', write);
  assert.equal(structured.state, 'awaiting_approval');
});

test('T19: when a session belongs to another token, it is not found, and one that ended is not either', async (t) => {
  const app = await appFor(t);
  const session = await openSession(app);
  assert.equal(await statusOf(app, session, tokens.bob), 404);
  assert.equal(await statusOf(app, session), 200);
  assert.equal((await send(app, list)).status, 400, 'without a session there is nothing to ask');
  assert.equal((await send(app, undefined, { session, method: 'DELETE' })).status, 200);
  assert.equal(await statusOf(app, session), 404);
  assert.equal(app.open.count(), 0);
});

test('when a session is not used for half an hour, it is swept; one that listens stays', async (t) => {
  const clock = handClock();
  const app = await appFor(t, { clock });
  const idle = await openSession(app);
  const listening = await openSession(app);
  const stop = new AbortController();
  const stream = await fetch(app.mcpUrl, {
    headers: { authorization: `Bearer ${tokens.ada}`, accept: 'text/event-stream', 'mcp-session-id': listening },
    signal: stop.signal,
  });
  assert.equal(stream.status, 200);
  clock.advance(29 * 60_000);
  assert.equal(app.open.count(), 2);
  clock.advance(3 * 60_000);
  await eventually('the sweep', () => app.open.count() === 1);
  assert.equal(await statusOf(app, idle), 404);
  assert.equal(await statusOf(app, listening), 200);
  stop.abort();
});

test('when a token opens too many sessions, the one unused for longest makes room; other tokens keep theirs', async (t) => {
  const clock = handClock();
  const app = await appFor(t, { clock, limits: { sessionsPerToken: 2 } });
  const other = await openSession(app, tokens.bob);
  const first = await openSession(app);
  clock.advance(1000);
  const second = await openSession(app);
  clock.advance(1000);
  assert.equal(await statusOf(app, first), 200); // used just now, so the second is the oldest
  const third = await openSession(app);
  assert.deepEqual(await Promise.all([first, second, third].map((session) => statusOf(app, session))), [200, 404, 200]);
  assert.equal(await statusOf(app, other, tokens.bob), 200);
});

for (const revision of revisions)
  test(`when a token is revoked, what a ${revision} client has open ends at once`, async (t) => {
    const app = await appFor(t);
    const client = await connect(revision, { mcpUrl: app.mcpUrl, token: tokens.ada });
    const bystander = await connect(revision, { mcpUrl: app.mcpUrl, token: tokens.bob });
    t.after(() => Promise.all([client.close(), bystander.close()]));
    const { structured } = await client.call('run_command', { server: 'web-1', argv: ['true'] });
    const polls = () => app.operations.calls.filter(({ name }) => name === 'getAction').length;
    const stop = new AbortController();
    const waiting = client
      .call('get_action', { action: structured.action, wait_s: 50 }, { signal: stop.signal })
      .catch(() => undefined);
    await eventually('a long poll', () => polls() === 2);
    app.revoke('ada');
    await eventually('the end of the session', () => app.open.count() === (revision === '2026-07-28' ? 0 : 1));
    await assert.rejects(client.call('list_servers'));
    assert.equal((await bystander.call('list_servers')).isError, false);
    stop.abort();
    await waiting;
    assert.equal(polls(), 2, 'nobody polls for a token that is gone');
  });

test('when a token calls too often, a tool error says when to go on', async (t) => {
  const clock = handClock();
  const app = await appFor(t, { clock, limits: { callBurst: 2, callsPerSecond: 0.5 } });
  const client = await connect('2025-11-25', { mcpUrl: app.mcpUrl, token: tokens.ada });
  t.after(() => client.close());
  await client.call('list_servers');
  await client.call('list_servers');
  const { structured } = await client.call('list_servers');
  assert.equal(structured.error.code, 'rate_limited');
  assert.equal(structured.error.next_step, 'Wait 2 s and call again.');
  clock.advance(2000);
  assert.equal((await client.call('list_servers')).isError, false);
});

test('when a token has too many calls under way, one more is refused and the others go on', async (t) => {
  const app = await appFor(t, { limits: { callsAtOnce: 1 } });
  const client = await connect('2026-07-28', { mcpUrl: app.mcpUrl, token: tokens.ada });
  t.after(() => client.close());
  const { structured: asked } = await client.call('run_command', { server: 'web-1', argv: ['true'] });
  const waiting = client.call('get_action', { action: asked.action, wait_s: 20 });
  await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
  assert.equal((await client.call('list_servers')).structured.error.code, 'rate_limited');
  app.operations.move(asked.action, 'rejected');
  assert.equal((await waiting).structured.state, 'rejected');
  assert.equal((await client.call('list_servers')).isError, false);
});

test('when a token floods us with requests, it gets 429 and a time to wait', async (t) => {
  const clock = handClock();
  const app = await appFor(t, { clock, limits: { requestBurst: 3, requestsPerSecond: 1 } });
  const session = await openSession(app);
  assert.equal(await statusOf(app, session), 200);
  assert.equal(await statusOf(app, session), 200);
  const refused = await send(app, list, { session });
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
  assert.match(await refused.text(), /rate_limited/);
});

test('when the app closes, streams and waits do not hold it', async () => {
  const app = await startProductApp();
  const client = await connect('2025-11-25', { mcpUrl: app.mcpUrl, token: tokens.ada });
  const { structured } = await client.call('run_command', { server: 'web-1', argv: ['true'] });
  const waiting = client.call('get_action', { action: structured.action, wait_s: 50 }).catch((error: Error) => error);
  await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
  const start = performance.now();
  await app.close();
  assert.ok(performance.now() - start < 15_000);
  await client.close();
  assert.ok((await waiting) instanceof Error);
});
