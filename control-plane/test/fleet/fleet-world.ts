/** A real app on a free port with a real store, for tests of the fleet. Agents are simulated ones, over real sockets. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveEvent } from '@countersign/protocol';
import { type Clock, systemClock } from '@countersign/protocol';
import { makeSigningKey, type SigningKey } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import Fastify from 'fastify';
import { type SimulatedAgentOptions, simulatedAgent } from '../../../test/load/simulated-agent.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { addServer } from '../../src/fleet/add-server.ts';
import { type FleetLimits, fleetLimits } from '../../src/fleet/limits.ts';
import { openFleet } from '../../src/fleet/open-fleet.ts';
import type { Report } from '../../src/fleet/report-queue.ts';
import type { ActionReports } from '../../src/fleet/take-report.ts';
import type { Core } from '../../src/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';

export interface WorldOptions {
  readonly clock?: Clock;
  /** A database file and the control plane's key, to go on where another world ended. */
  readonly path?: string;
  readonly key?: SigningKey;
  readonly limits?: Partial<FleetLimits>;
  /** What becomes of reports about actions; by default they are collected. */
  readonly take?: (serverId: string, report: Report) => Promise<void>;
  /** The same, told apart: for the use cases themselves. */
  readonly actions?: ActionReports;
}

/** For a clock that moves on as often as it is looked: no answer to a ping need come back over a real socket in that time. */
export const nobodyDead = { pingAfterMs: 86_400_000, deadAfterMs: 86_400_000 };

export async function fleetWorld(options: WorldOptions = {}) {
  const db = await openDatabase({ path: options.path ?? ':memory:' });
  const live: LiveEvent[] = [];
  const logged: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const logTo =
    (level: string) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      logged.push({ level, event, fields });
    };
  const core: Core = {
    db,
    clock: options.clock ?? systemClock,
    ids: systemIds,
    live: { publish: (event) => live.push(event) },
    log: { info: logTo('info'), warn: logTo('warn'), error: logTo('error') },
  };
  const key = options.key ?? makeSigningKey();
  const fleet = openFleet(core, { key, limits: { ...fleetLimits, ...options.limits } });
  const reports: { serverId: string; report: Report }[] = [];
  const take =
    options.take ??
    (async (serverId: string, report: Report) => {
      reports.push({ serverId, report });
    });
  const actions: ActionReports = options.actions ?? {
    recordStarted: take,
    recordRefused: take,
    recordStep: take,
    recordOutput: async (serverId, chunks) => {
      for (const chunk of chunks) await take(serverId, chunk);
    },
    recordFinished: take,
  };
  const app = Fastify();
  await app.register(fleet.gateway(actions));
  app.get('/healthz', async () => ({ ok: true }));
  await fleet.start();
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const agents: ReturnType<typeof simulatedAgent>[] = [];

  return {
    core,
    db,
    key,
    fleet,
    app,
    url,
    live,
    logged,
    reports,
    /** Adds a server and returns its enrolment token. */
    async add(name: string) {
      const { server, token } = await addServer(core, whoIs('system'), { name, labels: {} });
      return { id: server.id, token };
    },
    /** Makes an agent that knows this control plane. */
    agent(more: Partial<SimulatedAgentOptions> = {}) {
      const agent = simulatedAgent({ url, controlPlaneKey: key.publicKey, now: () => core.clock.now(), ...more });
      agents.push(agent);
      return agent;
    },
    /** Adds a server and connects its agent. */
    async enrolled(name: string, more: Partial<SimulatedAgentOptions> = {}) {
      const { id, token } = await this.add(name);
      const agent = this.agent({ token, ...more });
      await agent.connect();
      return { id, agent };
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents) agent.drop();
      await app.close();
      await fleet[Symbol.asyncDispose]();
      await db.destroy();
    },
  };
}

export type FleetWorld = Awaited<ReturnType<typeof fleetWorld>>;

/** Waits until something holds, at most a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (await holds()) return;
    await sleep(5);
  }
  throw new Error(`waited in vain: ${what}`);
}

/** The audit entries of an event, oldest first, with their details. */
export async function audited(world: FleetWorld, event: string) {
  const rows = await world.db.selectFrom('audit_entry').selectAll().where('event', '=', event).orderBy('seq').execute();
  return rows.map((row) => ({ ...row, ...(JSON.parse(row.body) as { details: Record<string, unknown> }) }));
}
