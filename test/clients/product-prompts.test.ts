/** Prompts in the client: the approval page for everybody who can open one, a form only where its answer may count. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { FormAnswers } from '@countersign/mcp-server';
import { fault } from '@countersign/protocol';
import type { SampleOperations } from '../../mcp-server/test/sample-operations.ts';
import { eventually } from '../world/eventually.ts';
import { type Answerer, connect, type Question, type Revision, revisions } from './connections.ts';
import { startProductApp, tokens } from './product-app.ts';

const restart = { server: 'web-1', playbook: 'service.restart', parameters: { unit: 'nginx' } };
const command = { server: 'web-1', argv: ['true'] };
/** Seconds in which the client is asked and has answered, however slow the machine is: a call that ends before asks anew the next time. */
const ENOUGH = 5;

interface Decided {
  readonly actionId: string;
  readonly digest: string;
  readonly verdict: string;
}

/** As the control plane will: low risk only, and only while the person has it switched on. */
function formsOf(operations: SampleOperations, decided: Decided[], on: () => boolean): FormAnswers {
  return {
    question: async (action) => (on() && action.risk === 'low' ? `Restart nginx? ${action.fingerprint}` : null),
    decideByForm: async (actionId, digest, verdict) => {
      decided.push({ actionId, digest, verdict });
      if (!on()) throw fault('channel_too_weak', { channel: 'ide', reason: 'switched off' });
      operations.move(actionId, verdict === 'approve' ? 'approved' : 'rejected');
      if (verdict === 'approve') setTimeout(() => operations.move(actionId, 'succeeded'), 50);
    },
  };
}

async function world(
  t: TestContext,
  revision: Revision,
  elicitation: { form?: Record<string, never>; url?: Record<string, never> },
  answer: Answerer,
  withForms = true,
) {
  const decided: Decided[] = [];
  const asked: Question[] = [];
  const forms = { on: true };
  const app = await startProductApp(
    withForms ? { forms: (operations) => formsOf(operations, decided, () => forms.on) } : {},
  );
  t.after(() => app.close());
  const client = await connect(
    revision,
    { mcpUrl: app.mcpUrl, token: tokens.ada },
    {
      elicitation,
      answer: (question) => {
        asked.push(question);
        return answer(question);
      },
    },
  );
  t.after(() => client.close());
  const ask = async (tool: string, args: Record<string, unknown>) =>
    (await client.call(tool, args)).structured.action as string;
  return { app, client, ask, asked, decided, forms };
}

for (const revision of revisions) describe(`with ${revision}`, { concurrency: true }, () => promptsWith(revision));

function promptsWith(revision: Revision): void {
  test(`when a ${revision} client can open pages, waiting opens the approval page once, and the action stays pending`, async (t) => {
    const { app, client, ask, asked } = await world(t, revision, { url: {} }, () => ({ action: 'accept' }));
    const action = await ask('run_command', command);
    assert.equal(asked.length, 0, 'the request itself comes back at once');
    const { structured } = await client.call('get_action', { action, wait_s: ENOUGH });
    assert.equal(structured.state, 'awaiting_approval');
    assert.equal(asked.length, 1);
    assert.deepEqual([asked[0]?.mode, asked[0]?.url], ['url', `${app.url}/actions/${action}`]);
    assert.match(asked[0]?.message ?? '', new RegExp(structured.fingerprint));
    await client.call('get_action', { action, wait_s: 1 });
    assert.equal(asked.length, 1, 'nobody is asked twice');
  });

  test(`when the person at a ${revision} client declines, the call goes on waiting for the other ways`, async (t) => {
    const { app, client, ask, asked } = await world(t, revision, { url: {} }, () => ({ action: 'decline' }));
    const action = await ask('run_command', command);
    const waiting = client.call('get_action', { action, wait_s: 20 });
    await eventually('the question', () => asked.length === 1);
    await eventually('a long poll', () => Number(app.operations.calls.at(-1)?.input.wait_s) > 0);
    app.operations.move(action, 'rejected');
    assert.equal((await waiting).structured.state, 'rejected');
  });

  test(`when the person at a ${revision} client approves in a form that may count, the verdict enters with the digest`, async (t) => {
    const answer: Answerer = () => ({ action: 'accept', content: { decision: 'approve' } });
    const { app, client, ask, asked, decided } = await world(t, revision, { form: {} }, answer);
    const action = await ask('run_playbook', restart);
    const { structured } = await client.call('get_action', { action, wait_s: 20 });
    assert.equal(structured.state, 'succeeded');
    assert.equal(asked[0]?.mode, 'form');
    assert.match(asked[0]?.message ?? '', /Restart nginx\?/);
    assert.deepEqual(decided, [{ actionId: action, digest: app.operations.action(action).digest, verdict: 'approve' }]);
  });

  test(`when the person at a ${revision} client rejects in a form, the action is rejected`, async (t) => {
    const answer: Answerer = () => ({ action: 'accept', content: { decision: 'reject' } });
    const { client, ask } = await world(t, revision, { form: {} }, answer);
    const action = await ask('run_playbook', restart);
    assert.equal((await client.call('get_action', { action, wait_s: 20 })).structured.state, 'rejected');
  });

  test(`when a form may not count, a ${revision} client with forms only is asked nothing`, async (t) => {
    const { client, ask, asked, forms } = await world(t, revision, { form: {} }, () => ({ action: 'accept' }));
    const high = await ask('run_command', command);
    assert.equal((await client.call('get_action', { action: high, wait_s: 1 })).structured.state, 'awaiting_approval');
    forms.on = false;
    const low = await ask('run_playbook', restart);
    assert.equal((await client.call('get_action', { action: low, wait_s: 1 })).structured.state, 'awaiting_approval');
    assert.deepEqual(asked, []);
  });

  test(`when the answer of a ${revision} client is not one of ours, nothing is decided`, async (t) => {
    const answer: Answerer = () => ({ action: 'accept', content: { decision: 'approve!' } });
    const { client, ask, asked, decided } = await world(t, revision, { form: {} }, answer);
    const action = await ask('run_playbook', restart);
    assert.equal((await client.call('get_action', { action, wait_s: ENOUGH })).structured.state, 'awaiting_approval');
    assert.equal(asked.length, 1);
    assert.deepEqual(decided, []);
  });

  test(`when a form is switched off while a ${revision} client shows it, the answer does not count`, async (t) => {
    const answer: Answerer = () => {
      forms.on = false;
      return { action: 'accept', content: { decision: 'approve' } };
    };
    const { app, client, ask, decided, forms } = await world(t, revision, { form: {} }, answer);
    const action = await ask('run_playbook', restart);
    const { structured } = await client.call('get_action', { action, wait_s: ENOUGH });
    assert.equal(structured.state, 'awaiting_approval');
    assert.match(structured.hint, /did not count: .*switched off/);
    assert.equal(decided.length, 1);
    assert.equal(app.errors.length, 0, 'a verdict that does not count is no error of ours');
  });

  test(`when no one could let forms count, a ${revision} client is sent to the page instead`, async (t) => {
    const { client, ask, asked } = await world(t, revision, { form: {}, url: {} }, () => ({ action: 'cancel' }), false);
    const action = await ask('run_playbook', restart);
    await client.call('get_action', { action, wait_s: ENOUGH });
    assert.deepEqual(
      asked.map(({ mode }) => mode),
      ['url'],
    );
  });

  if (revision !== '2026-07-28')
    test(`when nobody answers a ${revision} client, the call ends in time and the next one asks again`, async (t) => {
      const never: Answerer = () => new Promise(() => undefined);
      const { client, ask, asked } = await world(t, revision, { url: {} }, never);
      const action = await ask('run_command', command);
      assert.equal((await client.call('get_action', { action, wait_s: 1 })).structured.state, 'awaiting_approval');
      await client.call('get_action', { action, wait_s: 1 });
      assert.equal(asked.length, 2);
    });
}

test('T5: when a client sends an answer to a question that was never asked, it does not count', async (t) => {
  const decided: Decided[] = [];
  const app = await startProductApp({ forms: (operations) => formsOf(operations, decided, () => true) });
  t.after(() => app.close());
  const client = await connect('2026-07-28', { mcpUrl: app.mcpUrl, token: tokens.ada });
  t.after(() => client.close());
  const { structured } = await client.call('run_playbook', restart);
  const state = Buffer.from(JSON.stringify({ action: structured.action, kind: 'form' })).toString('base64url');
  for (const requestState of [undefined, `v1.${state}.${state}`]) {
    const answer = await forge(app.mcpUrl, structured.action, requestState);
    assert.match(answer, requestState === undefined ? /awaiting_approval/ : /Invalid or expired requestState/);
  }
  assert.deepEqual(decided, []);
  assert.equal(app.operations.action(structured.action).state, 'awaiting_approval');
});

/** A 2026 request for get_action as a client makes it that answers by itself. */
async function forge(mcpUrl: string, action: string, requestState: string | undefined): Promise<string> {
  const key = (name: string) => `io.modelcontextprotocol/${name}`;
  const response = await fetch(mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.ada}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'get_action',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'get_action',
        arguments: { action, wait_s: 1 },
        inputResponses: { decision: { action: 'accept', content: { decision: 'approve' } } },
        ...(requestState === undefined ? {} : { requestState }),
        _meta: {
          [key('protocolVersion')]: '2026-07-28',
          [key('clientInfo')]: { name: 'forger', version: '1' },
          [key('clientCapabilities')]: { elicitation: { form: {} } },
        },
      },
    }),
  });
  return response.text();
}
