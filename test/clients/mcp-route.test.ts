import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { eventually } from '../world/eventually.ts';
import { type SampleApp, startSampleApp } from './sample-app.ts';

interface CallOptions {
  onprogress?: (progress: { progress: number }) => void;
  signal?: AbortSignal;
}

/** What the tests ask of a client of either era. */
interface Connection {
  call: (name: string, args: Record<string, unknown>, options?: CallOptions) => Promise<ToolAnswer>;
  close: () => Promise<void>;
}
interface ToolAnswer {
  isError: boolean;
  text: string;
  structured: unknown;
}

type Answer = { action: 'accept' | 'decline'; content?: Record<string, boolean> };
/** Answers what the server asks the user; gets the mode and the message or URL. */
type Answerer = (mode: string, shown: string) => Answer;

const capabilities = { elicitation: { form: {}, url: {} } };
const asked = (params: { mode?: string | undefined; message: string; url?: unknown }): [string, string] =>
  params.mode === 'url' ? ['url', String(params.url)] : ['form', params.message];
const headers = (token: string) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });

async function connectModern(app: SampleApp, answer: Answerer, token = app.token): Promise<Connection> {
  const options = { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } };
  const client = new Client({ name: 'new-client', version: '2.0.0' }, options);
  client.setRequestHandler('elicitation/create', async ({ params }) => answer(...asked(params)));
  await client.connect(new StreamableHTTPClientTransport(new URL(app.url), headers(token)));
  return {
    call: async (name, args, options) => readAnswer(await client.callTool({ name, arguments: args }, options)),
    close: () => client.close(),
  };
}

async function connectLegacy(app: SampleApp, answer: Answerer, token = app.token): Promise<Connection> {
  const client = new LegacyClient({ name: 'old-client', version: '1.0.0' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => answer(...asked(params)));
  const transport = new LegacyTransport(new URL(app.url), headers(token));
  // The cast is for exactOptionalPropertyTypes alone: v1 declares its session id as possibly undefined.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    call: async (name, args, options) =>
      readAnswer(await client.callTool({ name, arguments: args }, undefined, options)),
    close: () => client.close(),
  };
}

const toolResult = z.object({
  isError: z.boolean().default(false),
  content: z.array(z.object({ text: z.string() })),
  structuredContent: z.unknown().optional(),
});

function readAnswer(result: unknown): ToolAnswer {
  const { isError, content, structuredContent } = toolResult.parse(result);
  return { isError, text: content.map(({ text }) => text).join(''), structured: structuredContent };
}

const refuse: Answerer = () => ({ action: 'decline' });
const eras = [
  { era: 'modern', protocol: '2026-07-28', connect: connectModern, client: 'new-client', version: '2.0.0' },
  { era: 'legacy', protocol: '2025-11-25', connect: connectLegacy, client: 'old-client', version: '1.0.0' },
];

let app: SampleApp;
before(async () => {
  app = await startSampleApp();
});
after(async () => {
  await app.close();
  assert.deepEqual(app.errors, []);
});

for (const { era, protocol, connect, client, version } of eras) {
  test(`when a ${era} client calls, the tool knows its user, name, version and era`, async () => {
    const connection = await connect(app, refuse);
    const { structured } = await connection.call('restart_service', { server: 'srv_1', unit: 'nginx' });
    const caller = { user: 'ada', client, version, protocol, era, elicitation: capabilities.elicitation };
    assert.deepEqual(structured, { server: 'srv_1', unit: 'nginx', caller });
    await connection.close();
  });

  test(`when a ${era} client passes wrong arguments, it gets a tool error that names them`, async () => {
    const connection = await connect(app, refuse);
    const answer = await connection.call('restart_service', { server: 'srv_1' });
    assert.equal(answer.isError, true);
    assert.match(answer.text, /unit/);
    await connection.close();
  });

  test(`when a tool asks the user of a ${era} client in a form, it gets the answer`, async () => {
    const seen: string[] = [];
    const connection = await connect(app, (mode, shown) => {
      seen.push(`${mode}: ${shown}`);
      return { action: 'accept', content: { confirm: true } };
    });
    const answer = await connection.call('confirm_restart', { unit: 'nginx' });
    assert.deepEqual(JSON.parse(answer.text), { action: 'accept', confirm: true });
    assert.deepEqual(seen, ['form: Restart nginx?']);
    await connection.close();
  });

  test(`when the user of a ${era} client declines a form, the tool sees that`, async () => {
    const connection = await connect(app, refuse);
    const answer = await connection.call('confirm_restart', { unit: 'nginx' });
    assert.deepEqual(JSON.parse(answer.text), { action: 'decline', confirm: null });
    await connection.close();
  });

  test(`when a tool sends the user of a ${era} client to a page, the client gets the address`, async () => {
    const seen: string[] = [];
    const connection = await connect(app, (mode, shown) => {
      seen.push(`${mode}: ${shown}`);
      return { action: 'accept' };
    });
    const answer = await connection.call('open_approval', { url: 'http://127.0.0.1/approve/1' });
    assert.deepEqual(JSON.parse(answer.text), { action: 'accept' });
    assert.deepEqual(seen, ['url: http://127.0.0.1/approve/1']);
    await connection.close();
  });

  test(`when a ${era} client asks for progress, it gets it while the call runs`, async () => {
    const connection = await connect(app, refuse);
    const seen: number[] = [];
    await connection.call('wait', { steps: 3 }, { onprogress: ({ progress }) => seen.push(progress) });
    assert.deepEqual(seen, [1, 2, 3]);
    await connection.close();
  });

  test(`when a ${era} client cancels, the tool is told`, async () => {
    const connection = await connect(app, refuse);
    const cancel = new AbortController();
    const aborted = app.log.aborted.length;
    const call = connection.call('wait', { steps: 2000 }, { signal: cancel.signal, onprogress: () => cancel.abort() });
    await assert.rejects(call);
    await eventually('the tool to hear of it', () => app.log.aborted.length > aborted);
    await connection.close();
  });

  test(`when the token of a ${era} client is not good, it is not let in`, async () => {
    await assert.rejects(connect(app, refuse, 'token-of-nobody'), /401|invalid_token|Unauthorized/i);
  });
}

test('T19: when a session belongs to somebody else, it is not found', async () => {
  const post = (token: string, session: string | undefined, body: unknown) =>
    fetch(app.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session ? { 'mcp-session-id': session } : {}),
      },
      body: JSON.stringify(body),
    });
  const clientInfo = { name: 'raw', version: '0' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const opened = await post('token-of-ada', undefined, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const session = opened.headers.get('mcp-session-id') ?? '';
  assert.notEqual(session, '');
  await opened.text();
  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
  assert.equal((await post('token-of-bob', session, list)).status, 404);
  assert.equal((await post('token-of-ada', session, list)).status, 200);
  assert.equal((await post('token-of-ada', undefined, list)).status, 400);
});
