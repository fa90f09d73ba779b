import { randomUUID } from 'node:crypto';
import fastify from 'fastify';
import { mcpRoute } from './mcp-route.ts';
import { type SampleLog, sampleMcp } from './sample-mcp.ts';

export interface SampleApp {
  url: string;
  token: string;
  log: SampleLog;
  /** Errors that the SDK reported out of band. */
  errors: Error[];
  requests: { method: string; body: unknown; headers: Record<string, unknown> }[];
  close: () => Promise<void>;
}

/** Serves the sample MCP server on a free port of the loopback address. */
export async function startSampleApp(): Promise<SampleApp> {
  const log: SampleLog = { calls: [], aborted: [] };
  const errors: Error[] = [];
  const requests: SampleApp['requests'] = [];
  const users = new Map([
    ['token-of-ada', 'ada'],
    ['token-of-bob', 'bob'],
  ]);
  const app = fastify();
  app.addHook('preHandler', async (request) => {
    requests.push({ method: request.method, body: request.body, headers: request.headers });
  });
  mcpRoute(app, {
    factory: sampleMcp(log),
    authenticate: async (token) => {
      const clientId = users.get(token);
      return clientId ? { token, clientId, scopes: ['request'] } : undefined;
    },
    nextSessionId: () => randomUUID(),
    onError: (error) => errors.push(error),
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url: `${address}/mcp`, token: 'token-of-ada', log, errors, requests, close: () => app.close() };
}
