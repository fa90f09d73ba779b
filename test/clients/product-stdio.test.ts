/** `countersign mcp` as a process, over the operator API, with clients of each protocol revision. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../world/eventually.ts';
import { connect, revisions } from './connections.ts';
import { type ProductApp, startProductApp, tokens } from './product-app.ts';

const main = resolve(import.meta.dirname, '../../control-plane/src/cli/main.ts');

let app: ProductApp;
let home: string;
before(async () => {
  app = await startProductApp();
  home = mkdtempSync(join(tmpdir(), 'countersign-stdio-'));
});
after(async () => {
  await app.close();
  rmSync(home, { recursive: true, force: true });
});

const command = (url = app.url, token: string = tokens.ada) => ({
  command: process.execPath,
  args: [main, 'mcp', '--url', url],
  env: { PATH: process.env.PATH ?? '', HOME: home, COUNTERSIGN_TOKEN: token },
});

for (const revision of revisions) {
  test(`when a ${revision} client starts the process, it does the main job through it`, async (t) => {
    const client = await connect(revision, command());
    t.after(() => client.close());
    assert.equal((await client.tools()).length, 20);
    const { structured: list } = await client.call('list_servers');
    assert.equal(list.servers[0].name, 'web-1');
    const restart = { server: 'web-1', playbook: 'service.restart', parameters: { unit: revision } };
    const { structured: asked } = await client.call('run_playbook', restart);
    assert.equal(asked.state, 'awaiting_approval');
    assert.match(
      app.operations.action(asked.action).requested_by.client ?? '',
      /^(new-client 2\.0\.0|old-client 1\.0\.0) \(countersign-mcp\)$/,
    );
    const heard: number[] = [];
    const waiting = client.call(
      'get_action',
      { action: asked.action, wait_s: 20 },
      { onprogress: ({ progress }) => heard.push(progress) },
    );
    await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
    app.operations.move(asked.action, 'approved');
    await eventually('progress', () => heard.length > 0);
    app.operations.move(asked.action, 'succeeded');
    assert.equal((await waiting).structured.state, 'succeeded');
  });

  test(`when the control plane refuses a call of a ${revision} client, its words arrive`, async (t) => {
    const client = await connect(revision, command());
    t.after(() => client.close());
    const { isError, structured, text } = await client.call('get_action', { action: 'act_000000000000' });
    assert.equal(isError, true);
    assert.equal(structured.error.code, 'action_not_found');
    assert.match(text, /There is no action act_000000000000/);
  });
}

test('when the token may only read, the process offers no tool that asks', async (t) => {
  const client = await connect('2025-11-25', command(app.url, tokens.reader));
  t.after(() => client.close());
  const names = await client.tools();
  assert.equal(names.length, 16);
  assert.equal(names.includes('run_playbook'), false);
});

test('T5: when a client offers forms, an answer in one never counts by stdio: it is not even asked', async (t) => {
  const asked: string[] = [];
  const client = await connect('2025-11-25', command(), {
    elicitation: { form: {} },
    answer: ({ message }) => {
      asked.push(message);
      return { action: 'accept', content: { decision: 'approve' } };
    },
  });
  t.after(() => client.close());
  const restart = { server: 'web-1', playbook: 'service.restart', parameters: { unit: 'forms' } };
  const { structured } = await client.call('run_playbook', restart);
  const after = await client.call('get_action', { action: structured.action, wait_s: 1 });
  assert.equal(after.structured.state, 'awaiting_approval');
  assert.deepEqual(asked, []);
});

test('when a client can open pages, the approval page is opened by stdio too', async (t) => {
  const urls: (string | undefined)[] = [];
  const client = await connect('2026-07-28', command(), {
    elicitation: { url: {} },
    answer: ({ url }) => {
      urls.push(url);
      return { action: 'accept' };
    },
  });
  t.after(() => client.close());
  const { structured } = await client.call('run_command', { server: 'web-1', argv: ['true'] });
  await client.call('get_action', { action: structured.action, wait_s: 1 });
  assert.deepEqual(urls, [`${app.url}/actions/${structured.action}`]);
});

test('when the control plane does not answer, the process starts and each call says so', async (t) => {
  const client = await connect('2025-11-25', command('http://127.0.0.1:9'));
  t.after(() => client.close());
  const { structured } = await client.call('list_servers');
  assert.equal(structured.error.code, 'control_plane_unreachable');
  assert.equal(structured.error.retryable, true);
  assert.match(structured.error.message, /http:\/\/127\.0\.0\.1:9 does not answer/);
});

test('when the token is refused, the process ends with the reason and without a word on its output', async () => {
  const { command: node, args, env } = command(app.url, 'csr_nobody');
  const child = spawn(node, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  assert.notEqual(code, 0);
  assert.equal(out, '');
  assert.match(err, /No valid credential/);
});

test('when the client closes its end, the process ends by itself', async () => {
  const { command: node, args, env } = command();
  const child = spawn(node, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  await once(child.stdout, 'data');
  const start = performance.now();
  child.stdin.end();
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.ok(performance.now() - start < 20_000, 'it must not linger');
});
