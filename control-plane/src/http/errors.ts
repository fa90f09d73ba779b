/** Turns whatever was thrown into the one form in which errors leave: `{error: {code, message, next_step, retryable}}`. */
import { Fault, fault } from '@countersign/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../ports.ts';

/** Makes every route of the app answer errors from the catalogue. */
export function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error, request, reply) => {
    const known = toFault(error, request);
    if (known.code === 'internal')
      log.error('http.failed', {
        reference: request.id,
        route: request.routeOptions.url ?? '(none)',
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    return sendFault(reply, known);
  });
}

/** Answers with a fault. */
export function sendFault(reply: FastifyReply, known: Fault): FastifyReply {
  if (known.status === 401) reply.header('www-authenticate', 'Bearer realm="Countersign"');
  if (known.slots.seconds !== undefined && known.body.retryable)
    reply.header('retry-after', String(known.slots.seconds));
  return reply.status(known.status).header('cache-control', 'no-store').send({ error: known.body });
}

/** The route that was asked for is not there. */
export function noRoute(request: Pick<FastifyRequest, 'method' | 'url'>): Fault {
  return fault('not_found', { what: 'route', id: `${request.method} ${request.url.split('?')[0]}` });
}

function toFault(error: unknown, request: FastifyRequest): Fault {
  if (error instanceof Fault) return error;
  const { code, statusCode } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return fault('too_large', {
      bytes: request.headers['content-length'] ?? 'too many',
      limit: request.routeOptions.bodyLimit ?? 0,
    });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return fault('invalid_input', { problems: 'content-type: only application/json is understood here' });
  if (code === 'FST_ERR_NOT_FOUND') return noRoute(request);
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return fault('invalid_input', { problems: error instanceof Error ? error.message : String(error) });
  return fault('internal', { reference: request.id }, error);
}
