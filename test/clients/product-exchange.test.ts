/** One call of a tool in the 2026 era, byte by byte: the plain one, and those that are not quite plain. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { catalogue } from '@countersign/mcp-server';
import { eventually } from '../world/eventually.ts';
import { handClock } from './hand-clock.ts';
import { type ProductApp, type ProductOptions, startProductApp, tokens } from './product-app.ts';

const MODERN = '2026-07-28';

async function appFor(t: TestContext, options: ProductOptions = {}): Promise<ProductApp> {
  const app = await startProductApp(options);
  t.after(() => app.close());
  return app;
}

interface Call {
  readonly name?: string;
  readonly args?: object;
  /** Headers that are other than a client of the SDK would send them; undefined leaves one out. */
  readonly headers?: Record<string, string | undefined>;
  readonly meta?: object;
  readonly id?: unknown;
  /** Members of `params` that are other. */
  readonly params?: object;
  readonly method?: string;
  readonly signal?: AbortSignal;
}

function call(
  app: ProductApp,
  {
    name = 'list_servers',
    args = {},
    headers = {},
    meta = {},
    id = 7,
    params = {},
    method = 'POST',
    signal,
  }: Call = {},
) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
    ...meta,
  };
  const sent = {
    authorization: `Bearer ${tokens.ada}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-protocol-version': MODERN,
    'mcp-method': 'tools/call',
    'mcp-name': name,
    ...headers,
  };
  return fetch(app.mcpUrl, {
    method,
    headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >,
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id, method: 'tools/call' },
      params: { name, arguments: args, _meta, ...params },
    }),
    ...(signal ? { signal } : {}),
  });
}

/** The messages of a stream. */
const messagesIn = (text: string) =>
  [...text.matchAll(/^event: message\ndata: (.*)\n\n/gm)].map(([, data]) => JSON.parse(data ?? ''));

const streamOf = (response: Response) =>
  ['content-type', 'cache-control', 'x-accel-buffering'].map((name) => response.headers.get(name));

/** The same call by the way of the SDK: it decodes the name, which a plain call does not need. */
const encoded = { 'mcp-name': `=?base64?${Buffer.from('list_servers').toString('base64')}?=` };

test('when a call is plain, its answer is what the SDK’s own way gives', async (t) => {
  const app = await appFor(t);
  const [plain, slow] = [await call(app), await call(app, { headers: encoded })];
  assert.deepEqual([plain.status, streamOf(plain)], [slow.status, streamOf(slow)]);
  const [ours, theirs] = [await plain.text(), await slow.text()];
  assert.equal(ours, theirs);
  assert.equal(messagesIn(ours)[0].id, 7);
  assert.ok(messagesIn(ours)[0].result.structuredContent.servers.length > 0);
  assert.deepEqual(app.noted, ['ada raw 1 list_servers']); // once a minute
});

/** What came of a call: how its length is told, and when, is no part of it. */
async function outcome(answered: Promise<Response>): Promise<readonly unknown[]> {
  const response = await answered;
  const others = [...response.headers].filter(([name]) => !/^(date|content-length|transfer-encoding)$/.test(name));
  return [response.status, others, await response.text()];
}

/** The same call in the two ways; a name in another coding goes by the SDK's server. */
async function bothWays(app: ProductApp, each: Call): Promise<void> {
  const name = `=?base64?${Buffer.from(each.name ?? 'list_servers').toString('base64')}?=`;
  const plain = await outcome(call(app, each));
  const slow = await outcome(call(app, { ...each, headers: { ...each.headers, 'mcp-name': name } }));
  assert.deepEqual(plain, slow, JSON.stringify(each).slice(0, 200));
}

test('when a call is odd in its id, its parameters or what it brings back, the answer is the SDK’s, with the same headers', async (t) => {
  const app = await appFor(t);
  const odd: Call[] = [
    ...[0, '', -5, 1.5, null, {}, 2 ** 60, 'x'.repeat(100_000), '"\\\n\u2028'].map((id) => ({ id })),
    ...[{ inputResponses: 5 }, { inputResponses: { a: null } }, { requestState: 5 }].map((params) => ({ params })),
    ...[{ requestState: 'forged' }, { arguments: null }, { arguments: 'x' }, { name: [] }].map((params) => ({
      params,
    })),
    ...[{ arguments: undefined }, { arguments: [] }, { more: 1 }].map((params) => ({ params })),
    ...[{ limit: 0 }, { limit: '2' }, { limit: 1e9 }, { unknown: 1 }, { label: 'x' }, { state: 'gone' }].map(
      (args) => ({
        args,
      }),
    ),
    ...[5000, 5001].map((length) => ({ args: { many: Array.from({ length: length - 1 }, () => 0) } })),
    { args: { deep: JSON.parse(`${'['.repeat(4000)}${']'.repeat(4000)}`) } },
    ...[1, 'p', '', 1.5, null, {}].map((progressToken) => ({ meta: { progressToken } })),
    ...[{ 'example.org/trace': { a: 1 } }, { 'io.modelcontextprotocol/logLevel': 'debug' }].map((meta) => ({ meta })),
    ...['*/*', 'application/json', 'text/event-stream', undefined].map((accept) => ({ headers: { accept } })),
    ...['application/json; charset=utf-8', 'APPLICATION/JSON'].map((type) => ({ headers: { 'content-type': type } })),
  ];
  for (const each of odd) await bothWays(app, each);
  assert.deepEqual(app.errors, []);
});

test('when a client says odd things of itself, it is known under the same name on both ways, first and again', async (t) => {
  const app = await appFor(t);
  const name = 'io.modelcontextprotocol/clientInfo';
  const can = 'io.modelcontextprotocol/clientCapabilities';
  const said: object[] = [
    { [name]: { name: 'Ünï\u202e "x"', version: '' } },
    { [name]: { name: '', version: '' } },
    { [name]: undefined },
    { [name]: null },
    { [name]: { name: 'n' } },
    { [name]: { name: 'n', version: '1', title: 'N', icons: [], more: 1 } },
    { [can]: { elicitation: {} } },
    { [can]: { elicitation: { url: {} }, roots: { listChanged: true }, experimental: { a: {} } } },
    { [can]: [] },
    { [can]: undefined },
  ];
  for (const meta of [...said, ...said]) {
    await bothWays(app, { meta });
    const [plain, slow] = app.operations.calls.slice(-2);
    assert.deepEqual(plain, slow);
  }
  assert.ok(app.noted.includes('ada null list_servers'), app.noted.join('\n'));
});

test('when any tool is called, well or badly, the answer of the plain way is the SDK’s', async (t) => {
  const app = await appFor(t);
  const server = 'web-1';
  const args: Record<string, object[]> = {
    get_capabilities: [{}],
    list_servers: [{ limit: 1 }, { state: 'online' }],
    get_server_status: [{ server }, { server: 'nobody' }, {}],
    list_playbooks: [{}, { limit: 2 }],
    get_playbook: [{ playbook: 'service.restart' }, { playbook: 'no.such' }],
    read_file: [
      { server, path: '/etc/nginx/nginx.conf' },
      { server, path: 'relative' },
    ],
    run_command: [
      { server, argv: ['true'] },
      { server, argv: [] },
      { server, argv: 'true' },
    ],
    list_actions: [{}, { open: true }, { open: 'yes' }],
    get_action: [{ action: 'act_nope00000000', wait_s: 0 }, { action: 5 }],
    get_audit_log: [{ limit: 3 }, { limit: -1 }],
  };
  for (const { name } of catalogue)
    for (const each of [...(args[name] ?? []), {}, { surprise: true }]) {
      await outcome(call(app, { name, args: each })); // the same request again is said to be one
      await bothWays(app, { name, args: each });
      await bothWays(app, { name, args: each, headers: { authorization: `Bearer ${tokens.reader}` } });
    }
  assert.deepEqual(app.errors, []);
});

test('when there is no such tool, the error is the SDK’s, also for a tool that the token may not see', async (t) => {
  const app = await appFor(t);
  const [said] = messagesIn(await (await call(app, { name: 'approve_action' })).text());
  assert.deepEqual([said.id, said.error.code], [7, -32602]);
  assert.match(said.error.message, /approve_action not found/);
  const headers = { authorization: `Bearer ${tokens.reader}` };
  const [refused] = messagesIn(await (await call(app, { name: 'run_command', headers })).text());
  assert.match(refused.error.message, /run_command not found/);
});

test('when headers do not say what the body says, the call is refused and nothing runs', async (t) => {
  const app = await appFor(t);
  const bent: Call[] = [
    { headers: { 'mcp-name': undefined } },
    { headers: { 'mcp-name': 'get_action' } },
    { headers: { 'mcp-method': undefined } },
    { headers: { 'mcp-method': 'tools/list' } },
    { headers: { 'mcp-protocol-version': undefined } },
    { headers: { 'mcp-protocol-version': '2025-11-25' } },
    { headers: { 'content-type': 'text/plain' } },
    {
      meta: { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' },
      headers: { 'mcp-protocol-version': '2027-01-01' },
    },
    { meta: { 'io.modelcontextprotocol/clientCapabilities': 'many' } },
  ];
  for (const each of bent) {
    const response = await call(app, each);
    const text = await response.text();
    assert.ok(response.status >= 400, `${JSON.stringify(each)}: ${response.status} ${text}`);
    assert.ok(JSON.parse(text).error, text);
  }
  assert.deepEqual(app.operations.calls, []);
});

test('when a call comes by another method than POST, it is refused and nothing runs, also of a client that is known', async (t) => {
  const app = await appFor(t);
  await (await call(app)).text();
  const response = await call(app, { method: 'DELETE' });
  assert.deepEqual([response.status, JSON.parse(await response.text()).error.code], [400, -32000]);
  assert.equal(app.operations.calls.length, 1);
});

test('when a call waits, the stream says every 15 seconds that it is alive, then what came of it', async (t) => {
  const clock = handClock();
  const app = await appFor(t, { clock });
  const asked = messagesIn(
    await (await call(app, { name: 'run_command', args: { server: 'web-1', argv: ['true'] } })).text(),
  );
  const { action } = asked[0].result.structuredContent;
  const waiting = call(app, { name: 'get_action', args: { action, wait_s: 50 }, meta: { progressToken: 'p' } });
  await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
  clock.advance(15_000);
  const response = await waiting; // the comment brought the headers
  clock.advance(15_000);
  app.operations.move(action, 'rejected');
  const text = await response.text();
  assert.equal(text.match(/^: keepalive$/gm)?.length, 2);
  const said = messagesIn(text);
  assert.equal(said.at(-1).result.structuredContent.state, 'rejected');
  for (const { method, params } of said.slice(0, -1))
    assert.deepEqual([method, params.progressToken], ['notifications/progress', 'p']);
});

test('when the client goes away, its call is given up', async (t) => {
  const app = await appFor(t, { limits: { callsAtOnce: 1 } });
  const [asked] = messagesIn(
    await (await call(app, { name: 'run_command', args: { server: 'web-1', argv: ['true'] } })).text(),
  );
  const { action } = asked.result.structuredContent;
  const gone = new AbortController();
  const waiting = call(app, { name: 'get_action', args: { action, wait_s: 50 }, signal: gone.signal }).catch(
    () => 'gone',
  );
  await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
  const refused = async () => messagesIn(await (await call(app)).text())[0].result.isError === true;
  assert.equal(await refused(), true, 'one call at once');
  gone.abort();
  assert.equal(await waiting, 'gone');
  // Its place is free again long before its wait would have ended.
  await eventually('room for another call', async () => !(await refused()));
});
