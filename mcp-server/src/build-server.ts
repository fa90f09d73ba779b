/** Builds the MCP server: the same for HTTP, where operations run in process, and for stdio, where they go over the operator API. */
import { McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { type AnswerOptions, answer, serverInfo, type ToolCall, type Way } from './answer.ts';
import { instructions } from './instructions.ts';
import { clientIn, clientName, INPUT_ELEMENTS_MAX } from './plain-request.ts';
import { noPrompt, promptFor } from './prompt.ts';
import { type Surface, toolsFor } from './surface.ts';
import type { ToolContext } from './tool.ts';

export interface ServerOptions extends AnswerOptions {
  readonly surface: Surface;
  readonly era: 'legacy' | 'modern';
}

/** The revision of MCP in which every request stands alone. */
export const MODERN = '2026-07-28';

/** Cheap and without effect, since in the 2026 era every request has a server of its own. */
export function buildServer(options: ServerOptions): McpServer {
  const mcp = new McpServer(serverInfo(options), {
    instructions,
    maxToolInputElements: INPUT_ELEMENTS_MAX,
    capabilities: { tools: { listChanged: false } },
    ...(options.elicit ? { requestState: { verify: options.elicit.asked.codec.verify } } : {}),
  });
  for (const tool of toolsFor(options.surface)) {
    const { title, description, inputSchema, outputSchema, annotations } = tool;
    mcp.registerTool(
      tool.name,
      { title, description, inputSchema, outputSchema, annotations },
      async (args: unknown, ctx: ServerContext) => {
        const call: ToolCall = { tool: tool.name, client: clientOf(mcp, ctx), authInfo: ctx.http?.authInfo };
        return answer(options, tool, call, args, () => wayOf(options, mcp, call, ctx));
      },
    );
  }
  return mcp;
}

function wayOf(options: ServerOptions, mcp: McpServer, call: ToolCall, ctx: ServerContext): Way {
  const { approveUrl, era, elicit } = options;
  const { asked, formsFor } = elicit ?? {};
  return {
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
  const said = clientIn(ctx.mcpReq.envelope as Record<string, unknown> | undefined);
  if (said !== null) return said;
  const client = mcp.server.getClientVersion();
  return client ? clientName(client) : null;
}
