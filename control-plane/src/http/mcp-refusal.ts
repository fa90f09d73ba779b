/** Refusals of `/mcp` before a tool is reached: JSON-RPC errors without a request, with the catalogue's words in `data`. */
import { Fault, fault } from '@countersign/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../ports.ts';

/** Codes of JSON-RPC 2.0, section 5.1; -32000 to -32099 are the server's own. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const REFUSED = -32000;
/** What the SDK's own transports say of a session that they do not know. */
export const NO_SESSION = -32001;

/** Makes everything that is thrown in this scope a JSON-RPC error. */
export function refuseInJsonRpc(scope: FastifyInstance, log: Log): void {
  scope.setErrorHandler((error, request, reply) => {
    const known = toFault(error, request);
    if (known.code === 'internal')
      log.error('mcp.failed', { reference: request.id, error: error instanceof Error ? error.stack : String(error) });
    return refuse(request, reply, known, codeOf(error));
  });
}

function refuse(request: FastifyRequest, reply: FastifyReply, known: Fault, code: number): FastifyReply {
  if (known.status === 401) {
    // OAuth is not advertised: there is none. RFC 6750, section 3.1, for the error.
    const error = request.headers.authorization === undefined ? '' : ', error="invalid_token"';
    reply.header('www-authenticate', `Bearer realm="Countersign"${error}`);
  }
  if (known.slots.seconds !== undefined) reply.header('retry-after', String(known.slots.seconds));
  return refuseWith(reply, known.status, code, `${known.message} ${known.body.next_step}`, known.body);
}

/** Answers with a JSON-RPC error that belongs to no request. */
export function refuseWith(
  reply: FastifyReply,
  status: number,
  code: number,
  message: string,
  data?: object,
): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .send({ jsonrpc: '2.0', id: null, error: { code, message, ...(data ? { data } : {}) } });
}

function toFault(error: unknown, request: FastifyRequest): Fault {
  if (error instanceof Fault) return error;
  const { code, statusCode } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const bytes = request.headers['content-length'] ?? 'too many';
    return fault('too_large', { bytes, limit: request.routeOptions.bodyLimit ?? 0 });
  }
  if (typeof statusCode === 'number' && statusCode === 429) return fault('rate_limited', { seconds: 60 });
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return fault('invalid_input', { problems: error instanceof Error ? error.message : String(error) });
  return fault('internal', { reference: request.id }, error);
}

function codeOf(error: unknown): number {
  if ((error as Partial<FastifyError>).code === 'FST_ERR_CTP_INVALID_JSON_BODY') return PARSE_ERROR;
  return error instanceof Fault ? REFUSED : INVALID_REQUEST;
}
