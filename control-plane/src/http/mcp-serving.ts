/** What answers behind `/mcp`: the tools, with operations that run in process as the caller of each request. */
import {
  type AnswerOptions,
  answerPlain,
  buildServer,
  type FormAnswers,
  type Line,
  makeAskedActions,
  type Surface,
  type ToolCall,
  toolNamed,
} from '@countersign/mcp-server';
import type { AuthInfo, McpServer } from '@modelcontextprotocol/server';
import type { CallAs } from '../operations/index.ts';
import type { Core } from '../ports.ts';
import type { Place } from './caller.ts';
import { extraOf, type TokenCaller } from './mcp-caller.ts';
import type { PlainCall } from './mcp-exchange.ts';
import type { Allowance } from './mcp-limits.ts';

export interface McpServerDeps extends Pick<Core, 'clock' | 'ids' | 'live' | 'log'> {
  readonly callAs: CallAs;
  readonly place: Place;
  readonly version: string;
  /** Keeps when a token was used, and by which client program. Told once a minute, and when the client is another one. */
  readonly noteCall: (caller: TokenCaller, client: string | null, tool: string) => Promise<void>;
  /** Lets answers in the client's forms count where people switched that on; absent: they never do. */
  readonly formsFor?: (caller: TokenCaller) => FormAnswers;
}

export interface McpServing {
  /** Makes the server for a session, or for one request. */
  readonly server: (request: { readonly era: 'legacy' | 'modern'; readonly authInfo?: AuthInfo }) => McpServer;
  /** What answers a plain call without a server; null where that takes one: no such tool, or one that may ask the client back. */
  readonly answerTo: (call: PlainCall, authInfo: AuthInfo) => ((line: Line) => Promise<object>) | null;
}

const NOTE_MS = 60_000;

export function mcpServing(deps: McpServerDeps, allowance: Allowance): McpServing {
  const options = answerOptions(deps, allowance);
  return {
    server: ({ era, authInfo }) => buildServer({ ...options, era, surface: surfaceOf(authInfo) }),
    answerTo: (plain, authInfo) => {
      const tool = toolNamed(surfaceOf(authInfo), plain.tool);
      if (tool === undefined || (tool.prompts && plain.canAsk)) return null;
      const call = { tool: tool.name, client: plain.client, authInfo };
      return (line) => answerPlain(options, plain, tool, call, line);
    },
  };
}

const surfaceOf = (authInfo: AuthInfo | undefined): Surface =>
  authInfo?.scopes.includes('request') ? 'request' : 'read';

function answerOptions(deps: McpServerDeps, allowance: Allowance): AnswerOptions {
  const { clock, ids, live, log, place, formsFor } = deps;
  const note = noteSparingly(deps);
  const asked = makeAskedActions(ids.secret(''));
  return {
    version: deps.version,
    clock,
    approveUrl: (actionId) => `${place.publicUrl}/actions/${actionId}`,
    callFor: (call) => {
      const { userAgent } = extraOf(call.authInfo);
      const caller = callerOf(call);
      return deps.callAs(caller, { ip: caller.ip, userAgent }); // each call of a tool brings its signal
    },
    elicit: { asked, ...(formsFor ? { formsFor: (call) => formsFor(callerOf(call)) } : {}) },
    onCall: (call) => {
      const caller = callerOf(call);
      const ended = allowance.call(caller.token.id);
      live.publish({ type: 'mcp_call', token: caller.token.id, tool: call.tool });
      note(caller, call);
      return ended;
    },
    report: (error) => {
      const reference = ids.id('req');
      log.error('mcp.call_failed', { reference, error: error instanceof Error ? error.stack : String(error) });
      return reference;
    },
  };
}

/** The caller under the name that its client program gave itself: known only once it speaks MCP. */
function callerOf(call: ToolCall): TokenCaller {
  return { ...extraOf(call.authInfo).caller, client: call.client };
}

/** Notes a call where it says something new: a write for each call would cost more than most calls do. */
function noteSparingly({ clock, log, noteCall }: McpServerDeps): (caller: TokenCaller, call: ToolCall) => void {
  const noted = new Map<string, { client: string | null; at: number }>();
  return (caller, { client, tool }) => {
    const at = clock.monotonic();
    const before = noted.get(caller.token.id);
    if (before?.client === client && at - before.at < NOTE_MS) return;
    noted.set(caller.token.id, { client, at });
    noteCall(caller, client, tool).catch((error: unknown) => log.warn('mcp.note_lost', { error: String(error) }));
  };
}
