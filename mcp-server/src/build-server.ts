/** Builds the MCP server: the same for HTTP, where operations run in process, and for stdio, where they go over the operator API. */
import type { Clock } from '@countersign/protocol';
import type { AssistantCall } from '@countersign/protocol/operator-api/index';
import {
  type AuthInfo,
  CLIENT_INFO_META_KEY,
  isInputRequiredResult,
  isSpecType,
  McpServer,
  type ServerContext,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';
import type { AskedActions } from './asked-actions.ts';
import { instructions } from './instructions.ts';
import { type FormAnswers, noPrompt, promptFor } from './prompt.ts';
import { type Surface, toolsFor } from './surface.ts';
import type { Tool, ToolContext } from './tool.ts';
import { failure, success } from './tool-result.ts';

/** One call of a tool, as the outside of the tools sees it. */
export interface ToolCall {
  readonly tool: string;
  /** Name and version that the client gave itself, or null. Data, not proof. */
  readonly client: string | null;
  /** The verified caller of this request, where the transport has one. */
  readonly authInfo: AuthInfo | undefined;
}

export interface ServerOptions {
  readonly version: string;
  /** The operations, for who makes this call. */
  readonly callFor: (call: ToolCall) => AssistantCall;
  readonly surface: Surface;
  /** Only this tool of the surface, for a server that takes one call; absent: all of them. */
  readonly tool?: string;
  readonly era: 'legacy' | 'modern';
  readonly clock: Clock;
  readonly approveUrl: (actionId: string) => string;
  /** Prompts in the client; absent: none. Without `formsFor` answers in forms never count. */
  readonly elicit?: {
    readonly asked: AskedActions;
    readonly formsFor?: (call: ToolCall) => FormAnswers;
  };
  /** Told of each call before it runs. Throws a fault to refuse it; what it returns is called when the call ended. */
  readonly onCall?: (call: ToolCall) => () => void;
  /** Takes what is not from the catalogue; returns the reference under which the log has it. */
  readonly report: (error: unknown) => string;
}

/** More members in one call's arguments than this are refused before they are read. */
const INPUT_ELEMENTS_MAX = 5000;

/** The revision of MCP in which every request stands alone. */
export const MODERN = '2026-07-28';

/** Cheap and without effect, since in the 2026 era every request has a server of its own. */
export function buildServer(options: ServerOptions): McpServer {
  const mcp = new McpServer(
    { name: 'countersign', title: 'Countersign', version: options.version },
    {
      instructions,
      maxToolInputElements: INPUT_ELEMENTS_MAX,
      capabilities: { tools: { listChanged: false } },
      // The SDK's own handler adds it too, but only there.
      ...(options.era === 'modern' ? { supportedProtocolVersions: [MODERN, ...SUPPORTED_PROTOCOL_VERSIONS] } : {}),
      ...(options.elicit ? { requestState: { verify: options.elicit.asked.codec.verify } } : {}),
    },
  );
  for (const tool of toolsFor(options.surface)) {
    if (options.tool !== undefined && tool.name !== options.tool) continue;
    const { title, description, inputSchema, outputSchema, annotations } = tool;
    mcp.registerTool(
      tool.name,
      { title, description, inputSchema, outputSchema, annotations },
      async (args: unknown, ctx: ServerContext) => answer(options, mcp, tool, args, ctx),
    );
  }
  return mcp;
}

async function answer(options: ServerOptions, mcp: McpServer, tool: Tool, args: unknown, ctx: ServerContext) {
  const call: ToolCall = { tool: tool.name, client: clientOf(mcp, ctx), authInfo: ctx.http?.authInfo };
  let ended: (() => void) | undefined;
  try {
    ended = options.onCall?.(call);
    const result = await tool.handle(args, contextOf(options, mcp, call, ctx));
    return isInputRequiredResult(result) ? result : success(result, tool.narrow);
  } catch (error) {
    // Nobody reads the answer to a call that was given up, and its end is no error of ours.
    return failure(error, ctx.mcpReq.signal.aborted ? () => 'given up' : options.report);
  } finally {
    ended?.();
  }
}

function contextOf(options: ServerOptions, mcp: McpServer, call: ToolCall, ctx: ServerContext): ToolContext {
  const { clock, approveUrl, era, elicit } = options;
  const { asked, formsFor } = elicit ?? {};
  return {
    call: options.callFor(call),
    clock,
    approveUrl,
    signal: ctx.mcpReq.signal,
    progress: progressOf(ctx),
    prompt: asked
      ? promptFor({ mcp, ctx, era, approveUrl, asked, forms: formsFor?.(call), onError: options.report })
      : noPrompt,
  };
}

function progressOf(ctx: ServerContext): ToolContext['progress'] {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return async () => undefined;
  return async (progress, total, message) => {
    const params = { progressToken, progress, total, message };
    await ctx.mcpReq.notify({ method: 'notifications/progress', params });
  };
}

/** In the 2026 era each request says who sends it (by stdio the accessor does not know), before that `initialize` did. */
function clientOf(mcp: McpServer, ctx: ServerContext): string | null {
  const said = (ctx.mcpReq.envelope as Record<string, unknown> | undefined)?.[CLIENT_INFO_META_KEY];
  const client = isSpecType.Implementation(said) ? said : mcp.server.getClientVersion();
  return client ? `${client.name} ${client.version}`.trim() : null;
}
