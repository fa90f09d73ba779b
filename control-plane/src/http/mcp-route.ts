/**
 * `/mcp`: the tools for assistants, over Streamable HTTP, both protocol eras on one path. A 2026-07-28 request stands alone.
 * A 2025 client opens a session, which is what lets us ask that client a question. Bearer tokens only: never a cookie,
 * never a person's own session, no request of a web page.
 */
import type { Line } from '@countersign/mcp-server';
import { type Clock, FILE_BYTES_MAX, type Ids } from '@countersign/protocol';
import {
  type NodeIncomingMessageLike,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import {
  type AuthInfo,
  classifyInboundRequest,
  createMcpHandler,
  type InboundClassificationOutcome,
  isInitializeRequest,
} from '@modelcontextprotocol/server';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { EndedAccess } from '../access/access.ts';
import type { Log } from '../ports.ts';
import type { Authenticate } from './caller.ts';
import { authInfoOf, extraOf, tokenCallerOf } from './mcp-caller.ts';
import { Exchange, plainCalls } from './mcp-exchange.ts';
import { type McpLimits, makeAllowance, mcpLimits } from './mcp-limits.ts';
import { NO_SESSION, refuseInJsonRpc, refuseWith } from './mcp-refusal.ts';
import { type McpServerDeps, type McpServing, mcpServing } from './mcp-serving.ts';
import { type McpOwner, McpSessions, ownerOf } from './mcp-sessions.ts';

export interface McpRouteDeps extends McpServerDeps {
  readonly authenticate: Authenticate;
  readonly limits?: Partial<McpLimits>;
}

/** What is open at `/mcp`, for those who take access away. */
export interface OpenMcp {
  /** Ends everything that is open for a token, or for all tokens of a person. */
  readonly end: (ended: EndedAccess) => void;
  /** How many sessions of 2025-era clients are open. */
  readonly count: () => number;
}

/** A character of a file may take six bytes in JSON (`\u001b`). */
const BODY_BYTES_MAX = 6 * FILE_BYTES_MAX + 64 * 1024;
/** Requests of one address in a minute; each token has limits of its own. */
const REQUESTS_PER_MINUTE = 12_000;

/** The route as a Fastify plugin, with the handle to what is open there. */
export function mcpRoute(deps: McpRouteDeps): FastifyPluginAsync & { readonly open: OpenMcp } {
  const limits = { ...mcpLimits, ...deps.limits };
  const allowance = makeAllowance(deps.clock, limits);
  const sessions = new McpSessions(deps.clock, limits);
  const { clock, ids, log } = deps;
  const serve = { sessions, serving: mcpServing(deps, allowance), clock, ids, log };
  const plugin: FastifyPluginAsync = async (scope) => {
    refuseInJsonRpc(scope, deps.log);
    // Before the body is read: strangers do not get to send one.
    scope.addHook('onRequest', async (request) => {
      const caller = await tokenCallerOf(request, deps);
      allowance.request(caller.token.id);
      Object.assign(request.raw, { auth: authInfoOf(caller, request) });
    });
    const { handler, close } = bothEras(serve);
    scope.route({
      method: ['GET', 'POST', 'DELETE'],
      url: '/mcp',
      bodyLimit: BODY_BYTES_MAX,
      exposeHeadRoute: false,
      config: { rateLimit: { max: REQUESTS_PER_MINUTE, groupId: 'mcp' } },
      handler,
    });
    // Streams stay open for as long as a client likes; they must end before Fastify waits for the connections.
    scope.addHook('preClose', close);
  };
  return Object.assign(plugin, {
    open: { end: (ended: EndedAccess) => sessions.end(ended), count: () => sessions.count },
  });
}

interface Serve {
  readonly sessions: McpSessions;
  readonly serving: McpServing;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

function bothEras(serve: Serve) {
  const { sessions, serving } = serve;
  const onerror = errorLog(serve);
  // As a stream from the start, so that keep-alive comments flow while a tool waits; a single JSON body has none.
  const modern = createMcpHandler(serving.server, { legacy: 'reject', responseMode: 'sse', onerror });
  const serveModern = toNodeHandler(modern, { onerror });
  const plainCallIn = plainCalls(routeOf);
  const calls = openCalls(serve);
  return {
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const raw = request.raw as typeof request.raw & { auth: AuthInfo };
      const owner = ownerOf(extraOf(raw.auth).caller);
      const call = plainCallIn(request);
      const answer = call && serving.answerTo(call, raw.auth);
      if (answer) {
        reply.hijack();
        sessions.hold(reply.raw, owner, undefined);
        return calls.serve(answer, reply);
      }
      const route = routeOf(request);
      const legacy = route === null || route.kind === 'legacy';
      const session = legacy ? await sessionFor(serve, request, owner, raw.auth) : undefined;
      if (legacy && !session) return refuseSession(request, reply);
      reply.hijack();
      sessions.hold(reply.raw, owner, session?.sessionId);
      if (session) await session.handleRequest(raw, reply.raw, request.body);
      // The cast is for exactOptionalPropertyTypes alone: Node declares `url` as possibly undefined, the SDK as optional.
      else await serveModern(raw as NodeIncomingMessageLike, reply.raw, request.body);
    },
    close: async () => {
      calls.giveUp();
      await sessions.endAll();
      await modern.close();
    },
  };
}

/** The plain calls of the 2026 era that are under way. */
function openCalls({ clock }: Serve) {
  const open = new Set<Exchange>();
  return {
    serve: async (answer: (line: Line) => Promise<object>, { raw }: FastifyReply) => {
      const exchange = new Exchange(raw, clock);
      open.add(exchange);
      await exchange.serve(answer).finally(() => open.delete(exchange));
    },
    giveUp: () => {
      for (const exchange of open) exchange.giveUp();
    },
  };
}

/** The transport of the session that a request names, or of a new one for `initialize`. */
async function sessionFor(
  serve: Serve,
  request: FastifyRequest,
  owner: McpOwner,
  authInfo: AuthInfo,
): Promise<NodeStreamableHTTPServerTransport | undefined> {
  const { sessions, serving, ids } = serve;
  const id = request.headers['mcp-session-id'];
  if (typeof id === 'string') return sessions.find(id, owner);
  if (!isInitializeRequest(request.body)) return undefined;
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => ids.secret(''),
    onsessioninitialized: (newId) => sessions.add(newId, owner, transport),
  });
  transport.onclose = () => {
    if (transport.sessionId) sessions.remove(transport.sessionId);
  };
  transport.onerror = errorLog(serve);
  const mcp = serving.server({ era: 'legacy', authInfo });
  await mcp.connect(transport);
  return transport;
}

const errorLog =
  ({ log }: Serve) =>
  (error: Error) =>
    log.info('mcp.protocol_error', { error: error.message });

/** The SDK's own choice between the eras, made on the body that Fastify has parsed already; null for a POST without one. */
function routeOf({ raw: { method = 'GET', headers }, body }: FastifyRequest): InboundClassificationOutcome | null {
  if (method === 'POST' && body === undefined) return null;
  const named = <N extends string>(as: N, value: string | string[] | undefined) =>
    (value === undefined ? {} : { [as]: String(value) }) as { [name in N]?: string };
  return classifyInboundRequest({
    httpMethod: method,
    ...named('protocolVersionHeader', headers['mcp-protocol-version']),
    ...named('mcpMethodHeader', headers['mcp-method']),
    ...named('mcpNameHeader', headers['mcp-name']),
    ...(method === 'POST' ? { body } : {}),
  });
}

/** An unknown session gets 404, which tells the client to open a new one; a request without one gets 400. */
function refuseSession(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (request.headers['mcp-session-id'] !== undefined) return refuseWith(reply, 404, NO_SESSION, 'Session not found');
  return refuseWith(reply, 400, -32000, 'Bad Request: open a session with initialize first');
}
