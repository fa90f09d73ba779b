/** Every route of the control plane, hung on the app in the one order that works. */
import { playbookJsonSchema } from '@countersign/playbooks';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { EndedAccess } from '../access/access.ts';
import { type EventsRouteDeps, eventsRoute } from './events-route.ts';
import { type ExportRouteDeps, exportRoute } from './export-route.ts';
import { type HealthDeps, healthRoutes } from './health.ts';
import { hookRoutes, type TakeIn } from './hook-routes.ts';
import { type InstallRoutesDeps, installRoutes } from './install-routes.ts';
import { type McpRouteDeps, mcpRoute } from './mcp-route.ts';
import { openApiDocument } from './openapi.ts';
import { type OperationRoutesDeps, operationRoutes } from './operation-routes.ts';
import { dashboard } from './static.ts';

export interface RoutesDeps
  extends OperationRoutesDeps,
    EventsRouteDeps,
    ExportRouteDeps,
    Omit<HealthDeps, 'openStreams'>,
    InstallRoutesDeps,
    McpRouteDeps {
  /** The plugin for `GET /agent`. */
  readonly gateway: FastifyPluginAsync;
  readonly takeInAlerts: TakeIn;
  /** Folder with the built dashboard. */
  readonly webDist: string;
}

/** Adds them. What it returns ends whatever is open for somebody whose access ended. */
export async function addRoutes(app: FastifyInstance, deps: RoutesDeps): Promise<(ended: EndedAccess) => void> {
  await app.register(deps.gateway); // first: it takes over the upgrade requests of the whole app
  operationRoutes(app, deps);
  app.get('/api/v1/openapi.json', async (_request, reply) =>
    reply.header('cache-control', 'no-cache').send(openApiDocument(deps.place.publicUrl, deps.version)),
  );
  app.get('/playbook.schema.json', async (_request, reply) =>
    reply.header('cache-control', 'no-cache').send(playbookJsonSchema()),
  );
  const streams = eventsRoute(app, deps);
  exportRoute(app, deps);
  hookRoutes(app, deps.takeInAlerts);
  installRoutes(app, deps);
  healthRoutes(app, { ...deps, openStreams: () => streams.count() });
  const mcp = mcpRoute(deps);
  await app.register(mcp);
  await dashboard(app, deps.webDist, deps.log);
  return (ended) => {
    streams.end(ended);
    if (!('sessionId' in ended)) mcp.open.end(ended);
  };
}
