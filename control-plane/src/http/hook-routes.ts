/** `POST /hooks/<id>`: where Alertmanager and Grafana send alerts, each hook with a secret of its own. */
import { fault } from '@countersign/protocol';
import type { FastifyInstance } from 'fastify';

/**
 * Takes alerts in. Checks the hook and its secret, then the body. Rejects with `unauthenticated` for a wrong hook or secret
 * (the same for both, so that ids cannot be tried), `invalid_input` for a body that does not fit.
 */
export type TakeInHook = (visit: {
  readonly hookId: string;
  readonly secret: string;
  readonly body: unknown;
  readonly ip: string;
}) => Promise<{ readonly taken: number }>;

export function hookRoutes(app: FastifyInstance, takeIn: TakeInHook): void {
  app.post<{ Params: { hook: string } }>('/hooks/:hook', { bodyLimit: 1024 * 1024 }, async (request, reply) => {
    const secret = /^Bearer (\S{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
    if (secret === undefined) throw fault('unauthenticated');
    const answer = await takeIn({ hookId: request.params.hook, secret, body: request.body, ip: request.ip });
    return reply.header('cache-control', 'no-store').send(answer);
  });
}
