import {
  type NodeIncomingMessageLike,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node';
import {
  type AuthInfo,
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  type McpServerFactory,
} from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface McpRouteOptions {
  factory: McpServerFactory;
  /** The caller behind a bearer token, or undefined where the token is not good. */
  authenticate: (token: string) => Promise<AuthInfo | undefined>;
  /** A fresh session id for each 2025-era session; must not be guessable. */
  nextSessionId: () => string;
  onError: (error: Error) => void;
}

interface Session {
  transport: NodeStreamableHTTPServerTransport;
  /** `AuthInfo.clientId` of who opened it: a session id alone is no proof of identity. */
  owner: string;
}

/**
 * Serves `/mcp` for both protocol eras on one path.
 *
 * A 2026-07-28 request stands alone: `createMcpHandler` builds a server for it. A 2025 client opens a session with
 * `initialize` and keeps it by `Mcp-Session-Id`; the session is what lets the server ask that client a question.
 * Source: the SDK's `examples/legacy-routing` and `docs/serving/legacy-clients`.
 */
export function mcpRoute(app: FastifyInstance, options: McpRouteOptions): void {
  // As a stream from the start, so that keep-alive comments flow while a tool is silent; a single JSON body has none.
  const modern = createMcpHandler(options.factory, { legacy: 'reject', responseMode: 'sse', onerror: options.onError });
  const serveModern = toNodeHandler(modern, { onerror: options.onError });
  const sessions = new Map<string, Session>();

  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    handler: async (request, reply) => {
      const auth = await options.authenticate(bearerToken(request));
      if (!auth) {
        return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'invalid_token' });
      }
      // The SDK reads the caller from `auth` on the raw request and hands it to tools as `ctx.http.authInfo`.
      const raw = Object.assign(request.raw, { auth });
      // The cast is for exactOptionalPropertyTypes alone: Node declares `url` as possibly undefined, the SDK as optional.
      const web = raw as NodeIncomingMessageLike;
      const legacy = await isLegacyRequest(await toWebRequest(web, request.body));
      const session = legacy ? await findSession(sessions, options, request, auth) : undefined;
      if (legacy && !session) return refuseSession(request, reply);
      reply.hijack();
      await (session ? session.handleRequest(raw, reply.raw, request.body) : serveModern(web, reply.raw, request.body));
    },
  });

  // Streams stay open for as long as a client likes; they must end before Fastify waits for the connections.
  app.addHook('preClose', async () => {
    await Promise.all([...sessions.values()].map(({ transport }) => transport.close()));
    await modern.close();
  });
}

function bearerToken(request: FastifyRequest): string {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

async function findSession(
  sessions: Map<string, Session>,
  options: McpRouteOptions,
  request: FastifyRequest,
  auth: AuthInfo,
): Promise<NodeStreamableHTTPServerTransport | undefined> {
  const id = request.headers['mcp-session-id'];
  if (typeof id === 'string') {
    const session = sessions.get(id);
    return session?.owner === auth.clientId ? session.transport : undefined;
  }
  if (!isInitializeRequest(request.body)) return undefined;
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: options.nextSessionId,
    onsessioninitialized: (newId) => {
      sessions.set(newId, { transport, owner: auth.clientId });
    },
  });
  transport.onclose = () => {
    if (transport.sessionId) sessions.delete(transport.sessionId);
  };
  transport.onerror = options.onError;
  const mcp = await options.factory({ era: 'legacy', authInfo: auth });
  await mcp.connect(transport);
  return transport;
}

/** An unknown session gets 404, which tells the client to open a new one; a request without one gets 400. */
function refuseSession(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = request.headers['mcp-session-id'] !== undefined;
  const error = known
    ? { code: -32001, message: 'Session not found' }
    : { code: -32000, message: 'Bad Request: Session ID required' };
  return reply.code(known ? 404 : 400).send({ jsonrpc: '2.0', error, id: null });
}
