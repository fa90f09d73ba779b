/** One route per operation of the table: nothing here knows what any of them does. */
import { FILE_BYTES_MAX, fault } from '@countersign/protocol';
import { NEWEST_EVENT_HEADER } from '@countersign/protocol/live-events';
import { type OperationName, operationNamed, operationNames } from '@countersign/protocol/operator-api/index';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { mayCall } from '../access/permissions.ts';
import type { CallAs } from '../operations/index.ts';
import { type Authenticate, callerOf, contextOf, type Place } from './caller.ts';
import type { LiveHub } from './live-hub.ts';

export interface OperationRoutesDeps {
  readonly callAs: CallAs;
  readonly authenticate: Authenticate;
  readonly place: Place;
  readonly hub: LiveHub;
}

/** Requests of somebody unknown in a minute, per address: enough to sign in, too few to guess. */
const PUBLIC_PER_MINUTE = 60;
/** A character of a file may take six bytes in JSON (`\u001b`). */
const bodyLimits: Partial<Record<OperationName, number>> = { writeFile: 6 * FILE_BYTES_MAX + 64 * 1024 };

export function operationRoutes(app: FastifyInstance, deps: OperationRoutesDeps): void {
  for (const name of operationNames) {
    const { access, method, path } = operationNamed(name);
    const limited = access === 'public' && method !== 'GET';
    app.route({
      method,
      url: `/api/v1${path.replace(/\{(\w+)\}/g, ':$1')}`,
      ...(bodyLimits[name] === undefined ? {} : { bodyLimit: bodyLimits[name] }),
      ...(limited ? { config: { rateLimit: { max: PUBLIC_PER_MINUTE, groupId: 'public' } } } : {}),
      handler: async (request, reply) => {
        const caller = await callerOf(request, deps);
        // Before anything is read: what changes from here on may be missing from the answer.
        if (mayCall(caller, 'person') === true) reply.header(NEWEST_EVENT_HEADER, deps.hub.newest());
        const call = deps.callAs(caller, contextOf(request, reply, deps.place));
        const answer = await call(name, inputOf(request) as never);
        return reply.header('cache-control', 'no-store').send(answer);
      },
    });
  }
}

/** The input of an operation: members in the path, the rest in the query (GET, DELETE) or the JSON body (all but GET). */
function inputOf(request: FastifyRequest): Record<string, unknown> {
  const inPath = request.params as Record<string, unknown>;
  const body = request.method === 'GET' ? {} : (request.body ?? {});
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw fault('invalid_input', { problems: 'input: must be a JSON object' });
  const inQuery = request.method === 'GET' || request.method === 'DELETE';
  const rest = { ...(inQuery ? (request.query as Record<string, unknown>) : {}), ...body };
  const twice = Object.keys(inPath).filter((member) => Object.hasOwn(rest, member));
  if (twice.length > 0) throw fault('invalid_input', { problems: `${twice.join(', ')}: the path says it already` });
  return { ...rest, ...inPath };
}
