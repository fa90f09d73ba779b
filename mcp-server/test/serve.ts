/** Calls tools as a client does, by the SDK's own HTTP handler but without a socket. One request, one server: 2025 era, stateless. */
import assert from 'node:assert/strict';
import { systemClock } from '@countersign/protocol';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { buildServer, type Surface } from '../src/index.ts';
import type { SampleOperations } from './sample-operations.ts';

export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a client has no types of ours either
  readonly structured: any;
  /** Bytes of the whole result as JSON. */
  readonly bytes: number;
  readonly progress: readonly { progress: number; total: number; message: string }[];
}

const resultSchema = z.object({
  isError: z.boolean().default(false),
  content: z.tuple([z.object({ type: z.literal('text'), text: z.string() })]),
  structuredContent: z.record(z.string(), z.unknown()),
});

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: never;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** Sends one JSON-RPC request; returns every message that came back. */
export async function send(
  operations: SampleOperations,
  method: string,
  params: object,
  { surface = 'request', signal }: { surface?: Surface; signal?: AbortSignal } = {},
): Promise<Message[]> {
  const handler = createMcpHandler(({ era }) =>
    buildServer({
      version: '0.1.0',
      surface,
      era,
      clock: systemClock,
      callFor: ({ client }) => operations.callAs(client),
      approveUrl: (id) => `https://cp.test/actions/${id}`,
      report: () => 'req_0c8k3v7rw1aq',
    }),
  );
  const response = await handler.fetch(
    new Request('http://localhost/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      ...(signal ? { signal } : {}),
    }),
  );
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => JSON.parse(line.slice(6)) as Message);
}

/** Calls a tool and checks what holds for every answer: the text says what the structure says, within the limit. */
export async function callTool(
  operations: SampleOperations,
  name: string,
  args: object = {},
  { progress = false, ...options }: { surface?: Surface; signal?: AbortSignal; progress?: boolean } = {},
): Promise<ToolAnswer> {
  const _meta = progress ? { _meta: { progressToken: 7 } } : {};
  const messages = await send(operations, 'tools/call', { name, arguments: args, ..._meta }, options);
  const answer = messages.find(({ id }) => id === 1);
  assert.ok(answer?.result, answer?.error?.message ?? 'no answer came');
  const { isError, content, structuredContent } = resultSchema.parse(answer.result);
  const [{ text }] = content;
  if (!isError) assert.deepEqual(JSON.parse(text), structuredContent);
  const bytes = Buffer.byteLength(JSON.stringify(answer.result));
  assert.ok(bytes <= 32 * 1024, `${name} answered ${bytes} bytes`);
  return {
    isError,
    text,
    structured: structuredContent,
    bytes,
    progress: messages.flatMap(({ method, params }) => (method === 'notifications/progress' && params ? [params] : [])),
  };
}
