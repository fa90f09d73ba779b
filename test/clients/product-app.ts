/** The product's own `/mcp` and operator API on a free port of the loopback address, with sample operations behind them. */
import type { FormAnswers } from '@countersign/mcp-server';
import { type Clock, fault, type LiveEvent, systemClock } from '@countersign/protocol';
import { type OperationName, operationNamed } from '@countersign/protocol/operator-api/index';
import { systemIds } from '@countersign/protocol/system-ids';
import { mayCall } from '../../control-plane/src/access/permissions.ts';
import { loadConfig } from '../../control-plane/src/config/config.ts';
import { makeApp } from '../../control-plane/src/http/app.ts';
import { liveHub } from '../../control-plane/src/http/live-hub.ts';
import type { McpLimits } from '../../control-plane/src/http/mcp-limits.ts';
import { mcpRoute, type OpenMcp } from '../../control-plane/src/http/mcp-route.ts';
import { operationRoutes } from '../../control-plane/src/http/operation-routes.ts';
import type { CallAs } from '../../control-plane/src/operations/index.ts';
import type { Caller } from '../../control-plane/src/ports.ts';
import { type SampleOperations, sampleOperations } from '../../mcp-server/test/sample-operations.ts';

export interface ProductApp {
  readonly url: string;
  readonly mcpUrl: string;
  readonly operations: SampleOperations;
  readonly open: OpenMcp;
  /** What was noted of calls: token, client, tool. */
  readonly noted: string[];
  readonly live: LiveEvent[];
  /** What was logged as an error. */
  readonly errors: unknown[];
  /** Makes a token useless, as revoking does. */
  readonly revoke: (name: keyof typeof tokens) => void;
  readonly close: () => Promise<void>;
}

export interface ProductOptions {
  readonly clock?: Clock;
  readonly limits?: Partial<McpLimits>;
  /** What lets answers in forms count. */
  readonly forms?: (operations: SampleOperations) => FormAnswers;
}

/** Credentials that the app knows. `session` is a person's own, which `/mcp` must refuse. */
export const tokens = {
  ada: `csr_${'a'.repeat(43)}`,
  reader: `csr_${'r'.repeat(43)}`,
  bob: `csr_${'b'.repeat(43)}`,
  session: `css_${'s'.repeat(43)}`,
};

const callers: Record<keyof typeof tokens, Caller> = {
  ada: callerWith('ada', 'request'),
  reader: callerWith('reader', 'read'),
  bob: callerWith('bob', 'request'),
  session: { ...callerWith('ada', 'request'), token: null, session: { id: 'ses_0c8k3v7rw1aq', strength: 'session' } },
};

export async function startProductApp(options: ProductOptions = {}): Promise<ProductApp> {
  const operations = sampleOperations();
  const noted: string[] = [];
  const live: LiveEvent[] = [];
  const errors: unknown[] = [];
  const known = new Map(Object.entries(tokens).map(([name, secret]) => [secret, callers[name as keyof typeof tokens]]));
  const log = { info: () => undefined, warn: () => undefined, error: (...line: unknown[]) => errors.push(line) };
  const place = { publicUrl: 'http://localhost', secure: false };
  const authenticate = async ({ authorization }: { authorization?: string | undefined }) =>
    known.get(/^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '') ?? null;
  const callAs: CallAs = (caller, { userAgent }) => {
    const call = operations.callAs(caller?.client ?? userAgent);
    return (async (name: OperationName, input: never, request: never) => {
      const allowed = mayCall(caller, operationNamed(name).access);
      if (allowed !== true) throw fault(allowed, { what: name });
      const answer: object = await call(name as never, input, request);
      // What a token may do is its own: that is how a stdio server learns it.
      if (name !== 'getCapabilities' || !caller?.token) return answer;
      return { ...answer, you: { person: caller.person.name, token: caller.token.name, scope: caller.token.scope } };
    }) as unknown as ReturnType<CallAs>;
  };
  const config = loadConfig({ COUNTERSIGN_PORT: '0' });
  const app = await makeApp({ config, tls: null, place, ids: systemIds, log, requestsPerMinute: 100_000 });
  const route = mcpRoute({
    authenticate,
    callAs,
    place,
    version: '0.1.0',
    clock: options.clock ?? systemClock,
    ids: systemIds,
    log,
    live: { publish: (event) => live.push(event) },
    noteCall: async (caller, client, tool) => {
      noted.push(`${caller.token.name} ${client} ${tool}`);
    },
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.forms ? { formsFor: () => options.forms?.(operations) as FormAnswers } : {}),
  });
  await app.register(route);
  operationRoutes(app, { callAs, authenticate, place, hub: liveHub({ ids: systemIds }) });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  place.publicUrl = url;
  return {
    url,
    mcpUrl: `${url}/mcp`,
    operations,
    open: route.open,
    noted,
    live,
    errors,
    revoke: (name) => {
      known.delete(tokens[name]);
      const { token } = callers[name];
      if (token) route.open.end({ tokenId: token.id });
    },
    close: () => app.close(),
  };
}

function callerWith(name: string, scope: 'read' | 'request'): Caller {
  return {
    person: { id: `prs_${name.padEnd(12, '0')}`, name, role: 'owner' },
    via: 'api',
    token: { id: `tok_${name.padEnd(12, '0')}`, name, scope },
    session: null,
    client: null,
    ip: '127.0.0.1',
  };
}
