/** Assistants as they connect in the wild: SDK v2 (2026-07-28), SDK v1 (2025-11-25) and stdio. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { node, projectFolder } from './places.ts';

/** An assistant with a connection. Calls resolve with the structured answer; an error answer rejects with {@link ToolError}. */
export interface Assistant extends AsyncDisposable {
  readonly name: string;
  call(tool: string, input?: Record<string, unknown>): Promise<Answer>;
  tools(): Promise<string[]>;
}

/** What a tool answered. Loosely typed on purpose: a real assistant has no types of ours either. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Answer = Record<string, any>;

export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly code: string;
  readonly nextStep: string;

  constructor(body: { code: string; message: string; next_step: string }) {
    super(body.message);
    this.code = body.code;
    this.nextStep = body.next_step;
  }
}

export type AssistantKind = 'v2' | 'v1' | 'stdio';
export const assistantKinds: readonly AssistantKind[] = ['v2', 'v1', 'stdio'];

/** Connects an assistant of one kind to a control plane with a token. */
export async function connectAssistant(
  kind: AssistantKind,
  { url, token }: { url: string; token: string },
): Promise<Assistant> {
  if (kind === 'v1') return connectLegacy(url, token);
  const client = new Client(
    { name: `assistant-${kind}`, version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const transport =
    kind === 'v2'
      ? new StreamableHTTPClientTransport(new URL('/mcp', url), {
          requestInit: { headers: { authorization: `Bearer ${token}` } },
        })
      : new StdioClientTransport({
          command: node,
          args: [`${projectFolder}/control-plane/src/cli/main.ts`, 'mcp', '--url', url],
          env: {
            ...(process.env as Record<string, string>),
            COUNTERSIGN_TOKEN: token,
            NODE_EXTRA_CA_CERTS: extraCertificates(),
          },
        });
  await client.connect(transport);
  return {
    name: kind,
    call: async (name, input = {}) => read(await client.callTool({ name, arguments: input }, { timeout: 90_000 })),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function connectLegacy(url: string, token: string): Promise<Assistant> {
  const client = new LegacyClient({ name: 'assistant-v1', version: '1.0.0' }, { capabilities: {} });
  const transport = new LegacyTransport(new URL('/mcp', url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  // The cast is for exactOptionalPropertyTypes alone: v1 declares its session id as possibly undefined.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    name: 'v1',
    call: async (name, input = {}) =>
      read(await client.callTool({ name, arguments: input }, undefined, { timeout: 90_000 })),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const resultSchema = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
});
const errorSchema = z.object({ code: z.string(), message: z.string(), next_step: z.string() });

function read(result: unknown): Answer {
  const { isError, content, structuredContent } = resultSchema.parse(result);
  if (!isError) return structuredContent ?? {};
  const error = errorSchema.safeParse(structuredContent?.error ?? structuredContent);
  if (error.success) throw new ToolError(error.data);
  throw new Error(content.map(({ text }) => text ?? '').join('\n'));
}

let certificates = '';
/** File with the certificates that child processes must trust besides the system's; empty for none. */
export function extraCertificates(): string {
  return certificates;
}
export function trustCertificates(file: string): void {
  certificates = file;
}
