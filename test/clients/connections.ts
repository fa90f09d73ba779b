/** MCP clients of three protocol revisions under one interface, over any transport. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

export interface ClientAnswer {
  readonly isError: boolean;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a client has no types of ours either
  readonly structured: any;
}

export interface Connection {
  readonly tools: () => Promise<string[]>;
  readonly call: (
    name: string,
    args?: Record<string, unknown>,
    options?: { onprogress?: (progress: { progress: number }) => void; signal?: AbortSignal },
  ) => Promise<ClientAnswer>;
  readonly close: () => Promise<void>;
}

/** What the server asks the person at the client. */
export interface Question {
  readonly mode: string;
  readonly message: string;
  readonly url: string | undefined;
}
export type Answerer = (
  question: Question,
) =>
  | Promise<{ action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> }>
  | { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> };

export type Revision = '2026-07-28' | '2025-11-25' | '2025-06-18';
export const revisions: readonly Revision[] = ['2026-07-28', '2025-11-25', '2025-06-18'];

type Where =
  | { readonly mcpUrl: string; readonly token: string }
  | { readonly command: string; readonly args: string[]; readonly env: Record<string, string> };

interface Asking {
  /** The elicitation capability that the client declares. */
  readonly elicitation: { form?: Record<string, never>; url?: Record<string, never> };
  readonly answer: Answerer;
}

/** Connects a client that speaks one revision: the v2 SDK for 2026, the v1 SDK before. */
export async function connect(revision: Revision, where: Where, asking?: Asking): Promise<Connection> {
  return revision === '2026-07-28' ? connectModern(where, asking) : connectLegacy(revision, where, asking);
}

const headersOf = (token: string) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });
const capabilitiesOf = (asking?: Asking): { elicitation?: Asking['elicitation'] } =>
  asking ? { elicitation: asking.elicitation } : {};

async function connectModern(where: Where, asking?: Asking): Promise<Connection> {
  const client = new Client(
    { name: 'new-client', version: '2.0.0' },
    { capabilities: capabilitiesOf(asking), versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  if (asking) client.setRequestHandler('elicitation/create', async ({ params }) => asking.answer(questionOf(params)));
  await client.connect(
    'mcpUrl' in where
      ? new StreamableHTTPClientTransport(new URL(where.mcpUrl), headersOf(where.token))
      : new StdioClientTransport({ ...where, stderr: 'pipe' }),
  );
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, options) =>
      read(await client.callTool({ name, arguments: args }, { timeout: 60_000, ...options })),
    close: () => client.close(),
  };
}

async function connectLegacy(revision: Revision, where: Where, asking?: Asking): Promise<Connection> {
  const client = new LegacyClient({ name: 'old-client', version: '1.0.0' }, { capabilities: capabilitiesOf(asking) });
  if (asking) client.setRequestHandler(ElicitRequestSchema, async ({ params }) => asking.answer(questionOf(params)));
  const transport =
    'mcpUrl' in where
      ? new LegacyHttp(new URL(where.mcpUrl), headersOf(where.token))
      : new LegacyStdio({ ...where, stderr: 'pipe' });
  const send: LegacyHttp['send'] = transport.send.bind(transport);
  // The v1 SDK always asks for its newest revision; Codex asks for an older one.
  transport.send = (...[message, options]: Parameters<typeof send>) => {
    if ('method' in message && message.method === 'initialize' && message.params)
      message.params.protocolVersion = revision;
    return send(message, options);
  };
  // The cast is for exactOptionalPropertyTypes alone: v1 declares its session id as possibly undefined.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, options) =>
      read(await client.callTool({ name, arguments: args }, undefined, { timeout: 60_000, ...options })),
    close: () => client.close(),
  };
}

function questionOf(params: { mode?: string | undefined; message: string; url?: unknown }): Question {
  const { mode, message, url } = params;
  return { mode: mode ?? 'form', message, url: url === undefined ? undefined : String(url) };
}

const toolResult = z.object({
  isError: z.boolean().default(false),
  content: z.array(z.object({ text: z.string() })),
  structuredContent: z.unknown().optional(),
});

function read(result: unknown): ClientAnswer {
  const { isError, content, structuredContent } = toolResult.parse(result);
  return { isError, text: content.map(({ text }) => text).join(''), structured: structuredContent };
}
