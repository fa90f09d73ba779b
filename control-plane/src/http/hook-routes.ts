/** `POST /hooks/<id>`: where Alertmanager and Grafana send alerts, each hook with a secret of its own. */
import type { FastifyInstance } from 'fastify';

/**
 * Takes alerts in. Checks the hook and its secret, then the body. Rejects with `unauthenticated` for a wrong hook or secret
 * (the same for both, so that ids cannot be tried), `invalid_input` for a body that does not fit.
 */
export type TakeIn = (visit: {
  readonly hookId: string;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  readonly body: unknown;
  readonly ip: string;
}) => Promise<{ readonly taken: number }>;

const BODY_BYTES_MAX = 1024 * 1024;

export function hookRoutes(app: FastifyInstance, takeIn: TakeIn): void {
  app.post<{ Params: { hook: string } }>('/hooks/:hook', { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
    const { authorization } = request.headers;
    const answer = await takeIn({ hookId: request.params.hook, authorization, body: request.body, ip: request.ip });
    return reply.header('cache-control', 'no-store').send(answer);
  });
}
