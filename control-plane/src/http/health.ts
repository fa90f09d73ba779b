/** `/healthz` for load balancers and `/metrics` for Prometheus (text format 0.0.4). */
import { type Clock, fault } from '@countersign/protocol';
import type { FastifyInstance } from 'fastify';
import { mayCall } from '../access/permissions.ts';
import { isLoopback } from '../config/addresses.ts';
import type { Db } from '../storage/database.ts';
import { ActionCounts } from './action-counts.ts';
import { type Authenticate, callerOf, type Place } from './caller.ts';
import { answers, type Count, countEverything } from './metrics.store.ts';

export interface HealthDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly version: string;
  readonly authenticate: Authenticate;
  readonly place: Place;
  /** How many of the servers are connected now. */
  readonly serversOnline: () => Promise<number>;
  readonly openStreams: () => number;
}

export function healthRoutes(app: FastifyInstance, deps: HealthDeps): void {
  const startedAt = deps.clock.monotonic();
  const served = countRequests(app);
  const actions = new ActionCounts(deps.db);

  app.get('/healthz', async (_request, reply) => {
    await answers(deps.db);
    return reply.header('cache-control', 'no-store').send({ status: 'ok', version: deps.version });
  });

  // How many servers and actions there are is nobody's business: this machine may ask, others need a token.
  app.get('/metrics', async (request, reply) => {
    if (!isLoopback(request.ip)) {
      const allowed = mayCall(await callerOf(request, deps), 'read');
      if (allowed !== true) throw fault(allowed, { what: 'metrics' });
    }
    const text = [
      metric('countersign_info', 'gauge', 'Version of the control plane.', [
        { labels: { version: deps.version }, n: 1 },
      ]),
      metric('countersign_servers', 'gauge', 'Servers by state.', await serverCounts(deps)),
      ...(await countEverything(deps.db, actions)).map(({ name, type, help, counts }) =>
        metric(name, type, help, counts),
      ),
      metric('countersign_http_requests_total', 'counter', 'Requests answered, by status class.', served()),
      metric('countersign_live_streams', 'gauge', 'Dashboards that follow live.', [
        { labels: {}, n: deps.openStreams() },
      ]),
      metric('process_resident_memory_bytes', 'gauge', 'Memory of the process.', [
        { labels: {}, n: process.memoryUsage.rss() },
      ]),
      metric('process_uptime_seconds', 'gauge', 'Seconds since the start.', [
        { labels: {}, n: Math.round((deps.clock.monotonic() - startedAt) / 1000) },
      ]),
    ].join('');
    return reply.type('text/plain; version=0.0.4; charset=utf-8').header('cache-control', 'no-store').send(text);
  });
}

async function serverCounts(deps: HealthDeps): Promise<Count[]> {
  return [{ labels: { state: 'online' }, n: await deps.serversOnline() }];
}

function countRequests(app: FastifyInstance): () => Count[] {
  const classes = new Map<string, number>();
  app.addHook('onResponse', async (_request, reply) => {
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    classes.set(status, (classes.get(status) ?? 0) + 1);
  });
  return () => [...classes].sort().map(([status, n]) => ({ labels: { status }, n }));
}

function metric(name: string, type: 'gauge' | 'counter', help: string, counts: readonly Count[]): string {
  const lines = counts.map(({ labels, n }) => {
    const inside = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
    return `${name}${inside.length > 0 ? `{${inside.join(',')}}` : ''} ${n}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const escapeLabel = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
