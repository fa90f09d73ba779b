/** The product's `/mcp` as clients of each protocol revision meet it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fault } from '@countersign/protocol';
import { eventually } from '../world/eventually.ts';
import { connect, revisions } from './connections.ts';
import { type ProductApp, startProductApp, tokens } from './product-app.ts';

let app: ProductApp;
before(async () => {
  app = await startProductApp();
});
after(async () => {
  await app.close();
  assert.deepEqual(app.errors, []);
});

const restart = { server: 'web-1', playbook: 'service.restart', parameters: { unit: 'nginx' } };

for (const revision of revisions) {
  const open = (token: keyof typeof tokens = 'ada') => connect(revision, { mcpUrl: app.mcpUrl, token: tokens[token] });

  test(`when a ${revision} client does the main job, each answer leads to the next`, async () => {
    const client = await open();
    assert.equal((await client.tools()).length, 20);
    const { structured: list } = await client.call('list_servers');
    const server = list.servers[0].name;
    const { structured: found } = await client.call('run_diagnostic', { server, description: 'nginx is down, 502s' });
    const [{ playbook, parameters }] = found.findings[0].suggestions;
    const { structured: asked } = await client.call('run_playbook', { server, playbook, parameters });
    assert.equal(asked.state, 'awaiting_approval');
    assert.equal(asked.approve_url, `https://cp.test/actions/${asked.action}`);
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
    const { structured: done } = await waiting;
    assert.equal(done.state, 'succeeded');
    assert.equal(done.result.check_passed, true);
    await client.close();
  });

  test(`when a tool fails for a ${revision} client that knows the schemas, it gets the error in both forms`, async () => {
    const client = await open();
    await client.tools(); // from now on v1 clients hold every structure against the schema of the result
    app.operations.answer('getServerStatus', () => fault('server_not_found', { server: 'web-9' }));
    const answer = await client.call('get_server_status', { server: 'web-9' });
    assert.equal(answer.isError, true);
    assert.equal(answer.structured.error.code, 'server_not_found');
    assert.match(answer.text, /There is no server web-9.*\nNext step: Call list_servers/);
    const wrong = await client.call('run_playbook', { playbook: 7 });
    assert.equal(wrong.structured.error.code, 'invalid_input');
    assert.match(wrong.text, /server.*playbook/);
    await client.close();
  });

  test(`when a ${revision} client calls, who and what is noted and dashboards hear of it`, async () => {
    app.noted.length = 0;
    app.live.length = 0;
    const client = await open('bob');
    await client.call('list_servers');
    await client.call('list_actions');
    await client.close();
    const name = revision === '2026-07-28' ? 'new-client 2.0.0' : 'old-client 1.0.0';
    assert.ok(app.noted.length <= 1, 'the same client is noted once a minute');
    for (const line of app.noted) assert.equal(line, `bob ${name} list_servers`);
    assert.deepEqual(app.live, [
      { type: 'mcp_call', token: 'tok_bob000000000', tool: 'list_servers' },
      { type: 'mcp_call', token: 'tok_bob000000000', tool: 'list_actions' },
    ]);
  });

  test(`when a ${revision} client asks for a change, the request carries its name`, async () => {
    const client = await open();
    const { structured } = await client.call('run_command', { server: 'web-1', argv: ['true', revision] });
    const { client: named } = app.operations.action(structured.action).requested_by;
    assert.match(named ?? '', /^(new-client 2|old-client 1)\.0\.0$/);
    await client.close();
  });

  test(`when the token of a ${revision} client may only read, tools that ask are not there`, async () => {
    const client = await open('reader');
    const names = await client.tools();
    assert.equal(names.length, 16);
    assert.equal(names.includes('run_playbook'), false);
    await assert.rejects(client.call('run_playbook', restart), /not found/);
    await client.close();
  });

  test(`when the credential of a ${revision} client is no token, it is not let in`, async () => {
    const nobody = connect(revision, { mcpUrl: app.mcpUrl, token: 'csr_nobody' });
    await assert.rejects(nobody, /401|unauthenticated|credential/i);
    await assert.rejects(open('session'), /401|unauthenticated|credential/i);
  });

  test(`when a ${revision} client gives a wait up, the action stays as it is`, async () => {
    const client = await open();
    const { structured } = await client.call('write_file', {
      server: 'web-1',
      path: '/etc/x',
      content: 'x',
      expected_sha256: null,
    });
    const stop = new AbortController();
    const waiting = client.call(
      'get_action',
      { action: structured.action, wait_s: 30 },
      { signal: stop.signal, onprogress: () => undefined },
    );
    const polls = () => app.operations.calls.filter(({ name }) => name === 'getAction').length;
    await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
    stop.abort();
    await assert.rejects(waiting);
    const before = polls();
    for (let n = 0; n < 3; n += 1) await client.call('list_servers', {});
    assert.equal(polls(), before, 'nobody polls for a client that is gone');
    assert.equal(app.operations.action(structured.action).state, 'awaiting_approval');
    await client.close();
  });
}
