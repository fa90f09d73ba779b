import { setTimeout as delay } from 'node:timers/promises';
import {
  acceptedContent,
  type CallToolResult,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  McpServer,
  type McpServerFactory,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';

const callerSchema = z.object({
  user: z.string().optional().describe('Who the bearer token belongs to'),
  client: z.string().optional().describe('Name the MCP client gave itself'),
  version: z.string().optional(),
  protocol: z.string().optional().describe('Protocol revision of this call'),
  era: z.enum(['legacy', 'modern']),
  elicitation: z.record(z.string(), z.unknown()).optional().describe('What the client can ask its user'),
});

/** Who is calling, and through what. */
export type Caller = z.infer<typeof callerSchema>;

/** What the sample tools saw, for assertions. */
export interface SampleLog {
  calls: { tool: string; arguments: unknown; caller: Caller }[];
  /** The tools whose call was cancelled while it ran. */
  aborted: string[];
}

type Record = (tool: string, args: unknown, ctx: ServerContext) => Caller;

/**
 * The factory of a small MCP server that shows each thing a tool may need: the caller, a structured result, progress,
 * cancellation, and a question to the user. In the 2026 era it runs once for each HTTP request, in the 2025 era once
 * for each session, so it must stay cheap and without effect.
 */
export function sampleMcp(log: SampleLog): McpServerFactory {
  return ({ era }) => {
    const mcp = new McpServer({ name: 'sample', version: '1.0.0' }, { instructions: 'Proves the client harness.' });
    const record: Record = (tool, args, ctx) => {
      const caller = describeCaller(mcp, era, ctx);
      log.calls.push({ tool, arguments: args, caller });
      return caller;
    };
    addReadingTool(mcp, record);
    addActingTool(mcp, record);
    addWaitingTool(mcp, log, record);
    addAskingTools(mcp, record);
    return mcp;
  };
}

/**
 * The accessors are filled in both eras: by the HTTP entry from each request's envelope in the 2026 era, by
 * `initialize` for the whole session in the 2025 era.
 */
function describeCaller(mcp: McpServer, era: 'legacy' | 'modern', ctx: ServerContext): Caller {
  const client = mcp.server.getClientVersion();
  return {
    user: ctx.http?.authInfo?.clientId,
    client: client?.name,
    version: client?.version,
    protocol: mcp.server.getNegotiatedProtocolVersion(),
    era,
    elicitation: mcp.server.getClientCapabilities()?.elicitation,
  };
}

function addReadingTool(mcp: McpServer, record: Record): void {
  mcp.registerTool(
    'list_servers',
    {
      description: 'List the servers.',
      inputSchema: z.object({}),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async (args, ctx) => {
      record('list_servers', args, ctx);
      return { content: [{ type: 'text', text: JSON.stringify([{ id: 'srv_1', name: 'web-1' }]) }] };
    },
  );
}

function addActingTool(mcp: McpServer, record: Record): void {
  mcp.registerTool(
    'restart_service',
    {
      title: 'Restart a service',
      description: 'Restart a service on a server.',
      inputSchema: z.object({ server: z.string().describe('Id of the server'), unit: z.string() }),
      outputSchema: z.object({ server: z.string(), unit: z.string(), caller: callerSchema }),
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    async (args, ctx) => {
      if (args.server !== 'srv_1') throw new Error(`There is no server ${args.server}. Ask list_servers.`);
      const caller = record('restart_service', args, ctx);
      return {
        content: [{ type: 'text', text: 'This text part is for clients that do not read the structure.' }],
        structuredContent: { ...args, caller },
      };
    },
  );
}

/** Reports progress while it waits, where the client asked for it, and stops when the client cancels. */
function addWaitingTool(mcp: McpServer, log: SampleLog, record: Record): void {
  mcp.registerTool(
    'wait',
    {
      description: 'Wait in steps of 50 ms.',
      inputSchema: z.object({ steps: z.number().int().min(1).max(2000) }),
      annotations: { readOnlyHint: true },
    },
    async (args, ctx) => {
      record('wait', args, ctx);
      const progressToken = ctx.mcpReq._meta?.progressToken;
      for (let progress = 1; progress <= args.steps; progress++) {
        await delay(50);
        if (ctx.mcpReq.signal.aborted) {
          log.aborted.push('wait');
          break;
        }
        if (progressToken === undefined) continue;
        const params = { progressToken, progress, total: args.steps, message: `step ${progress}` };
        await ctx.mcpReq.notify({ method: 'notifications/progress', params });
      }
      return { content: [{ type: 'text', text: 'waited' }] };
    },
  );
}

/**
 * Written once for both eras: in the 2026 era the client answers and calls again; in a 2025 session the SDK sends the
 * question over the session's stream and enters the handler again with the answer.
 */
function addAskingTools(mcp: McpServer, record: Record): void {
  const confirmation = z.object({ confirm: z.boolean().meta({ title: 'Yes, restart it' }) });
  mcp.registerTool(
    'confirm_restart',
    { description: 'Ask the user in a form.', inputSchema: z.object({ unit: z.string() }) },
    async (args, ctx): Promise<CallToolResult | InputRequiredResult> => {
      const answer = inputResponse(ctx.mcpReq.inputResponses, 'confirm');
      if (answer.kind === 'missing') {
        const question = { message: `Restart ${args.unit}?`, requestedSchema: confirmation };
        return inputRequired({ inputRequests: { confirm: inputRequired.elicit(question) } });
      }
      record('confirm_restart', args, ctx);
      const accepted = acceptedContent(ctx.mcpReq.inputResponses, 'confirm', confirmation);
      const action = answer.kind === 'elicit' ? answer.action : answer.kind;
      return { content: [{ type: 'text', text: JSON.stringify({ action, confirm: accepted?.confirm ?? null }) }] };
    },
  );
  mcp.registerTool(
    'open_approval',
    { description: 'Ask the user to open a page.', inputSchema: z.object({ url: z.url() }) },
    async (args, ctx): Promise<CallToolResult | InputRequiredResult> => {
      const answer = inputResponse(ctx.mcpReq.inputResponses, 'page');
      if (answer.kind === 'missing') {
        const page = inputRequired.elicitUrl({ message: 'Decide on the approval page', url: args.url });
        return inputRequired({ inputRequests: { page } });
      }
      record('open_approval', args, ctx);
      const action = answer.kind === 'elicit' ? answer.action : answer.kind;
      return { content: [{ type: 'text', text: JSON.stringify({ action }) }] };
    },
  );
}
