/** A control plane's door for tests: real store, real sockets, only the operations on access behind it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '@countersign/protocol';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { systemIds } from '@countersign/protocol/system-ids';
import { quickPasswords } from '../../../test/world/quick-passwords.ts';
import type { AccessCore } from '../../src/access/access.ts';
import { attempts } from '../../src/access/attempts.ts';
import { authenticate } from '../../src/access/authenticate.ts';
import { passwords } from '../../src/access/passwords.ts';
import { prove } from '../../src/access/prove.ts';
import { makeSetupSecret } from '../../src/access/set-up.ts';
import type { AmendmentDeps } from '../../src/amendments/make-amendment.ts';
import { loadConfig } from '../../src/config/config.ts';
import { loadSecrets } from '../../src/config/secrets.ts';
import { makeApp } from '../../src/http/app.ts';
import { eventsRoute, type OpenStreams } from '../../src/http/events-route.ts';
import { healthRoutes } from '../../src/http/health.ts';
import { liveHub } from '../../src/http/live-hub.ts';
import { operationRoutes } from '../../src/http/operation-routes.ts';
import { dashboard } from '../../src/http/static.ts';
import { accessOperations } from '../../src/operations/access-operations.ts';
import { amendmentOperations } from '../../src/operations/amendment-operations.ts';
import type { Handlers } from '../../src/operations/handler.ts';
import { bindOperations } from '../../src/operations/index.ts';
import { passkeyOperations } from '../../src/operations/passkey-operations.ts';
import { setupOperations } from '../../src/operations/setup-operations.ts';
import { tokenOperations } from '../../src/operations/token-operations.ts';
import { openPolicy } from '../../src/policy/policy-book.ts';
import { openDatabase } from '../../src/storage/database.ts';

/** The system's clock, which a test can put forward. */
export interface TestClock extends Clock {
  forward(ms: number): void;
}

export function movableClock(): TestClock {
  let ahead = 0;
  return {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
    after: (ms, then) => systemClock.after(ms, then),
    forward(ms) {
      ahead += ms;
    },
  };
}

export interface DoorOptions {
  readonly env?: Record<string, string>;
  readonly requestsPerMinute?: number;
  readonly webDist?: string;
  /** Text of policy.yaml; the built-in policy unless told. */
  readonly policy?: string;
}

export type Door = Awaited<ReturnType<typeof openDoor>>;

/** Opens the door on a free port. It is closed, and its folder removed, when the test ends. */
export async function openDoor(context: TestContext, options: DoorOptions = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-door-'));
  const config = loadConfig({ COUNTERSIGN_PORT: '0', ...options.env, COUNTERSIGN_DATA: dataDir });
  const clock = movableClock();
  const ids = systemIds;
  const log = { info: () => undefined, warn: () => undefined, error: (...line: unknown[]) => console.error(...line) };
  const secrets = await loadSecrets(config, { clock, ids });
  const db = await openDatabase({ path: join(dataDir, 'countersign.db') });
  let port = 0;
  const place = {
    get publicUrl() {
      return config.publicUrl.replace(/:0$/, `:${port}`);
    },
    secure: config.publicUrl.startsWith('https:'),
  };
  const hub = liveHub({ ids });
  let streams: OpenStreams | undefined;
  const core: AccessCore = {
    ...{ db, clock, ids, log, sealKey: secrets.sealKey, attempts: attempts(clock) },
    passwords: passwords(ids, quickPasswords),
    accessEnded: (ended) => streams?.end(ended),
  };
  const policyPath = join(dataDir, 'policy.yaml');
  if (options.policy !== undefined) writeFileSync(policyPath, options.policy);
  const amending: AmendmentDeps = {
    ...{ ...core, place, policy: await openPolicy(core, { path: policyPath }) },
    prove: (caller, proof, least) => prove({ ...core, place }, caller, proof, least),
  };
  const handlers = {
    ...setupOperations({ ...core, dataDir }),
    ...accessOperations(amending),
    ...passkeyOperations(amending),
    ...amendmentOperations(amending),
    ...tokenOperations({ ...amending, stdioCommand: 'countersign mcp' }),
  } as Handlers;
  const callAs = bindOperations({ db, clock, log, handlers });
  const app = await makeApp({
    ...{ ids, log, config, place, tls: secrets.tls },
    requestsPerMinute: options.requestsPerMinute ?? 10_000,
  });
  const door = { authenticate: authenticate.bind(null, core), place, clock };
  operationRoutes(app, { ...door, callAs, hub });
  streams = eventsRoute(app, { ...door, hub });
  healthRoutes(app, {
    ...door,
    db,
    version: '0.0.0',
    serversOnline: async () => 0,
    openStreams: () => streams.count(),
  });
  await dashboard(app, options.webDist ?? join(dataDir, 'no-web'), log);
  await app.listen({ host: config.host, port: 0 });
  port = (app.server.address() as AddressInfo).port;
  context.after(async () => {
    await app.close();
    await db.destroy();
    rmSync(dataDir, { recursive: true });
  });
  const base = `${config.tls.mode === 'own' ? 'https' : 'http'}://127.0.0.1:${port}`;
  return {
    ...{ app, db, clock, core, amending, config, place, hub, base, port, dataDir, secrets },
    setupSecret: async () => (await makeSetupSecret(core)).secret,
    call: (bearer?: string) => operatorClient({ base, fetch, ...(bearer === undefined ? {} : { bearer }) }),
  };
}

export const owner = { email: 'ada@example.org', name: 'Ada', password: 'correct horse battery' };

/** Makes the first owner; returns the session of a command line. */
export async function ownerSession(door: Door): Promise<string> {
  const answer = await door.call()('setUp', { ...owner, secret: await door.setupSecret(), cli: true });
  return answer.session ?? '';
}

/** The audit events so far, oldest first. */
export async function auditEvents(door: Door): Promise<string[]> {
  const rows = await door.db.selectFrom('audit_entry').select('event').orderBy('seq').execute();
  return rows.map(({ event }) => event);
}
