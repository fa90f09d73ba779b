/** Puts the parts of the fleet together: what `compose.ts` needs to know of this folder. */
import type { Thresholds } from '@countersign/protocol/agent-wire/facts';
import type { SigningKey } from '@countersign/protocol/signing';
import type { Core } from '../ports.ts';
import { ClockWatch } from './clock-watch.ts';
import type { ConnectionDeps } from './connection.ts';
import { fleetGateway } from './gateway.ts';
import { HandshakeLine } from './handshake-line.ts';
import { Heartbeats } from './heartbeats.ts';
import { type FleetLimits, fleetLimits } from './limits.ts';
import { LockHandout } from './lock-handout.ts';
import { OfflineWatch } from './offline-watch.ts';
import { Refusals } from './refusals.ts';
import { FleetRegistry } from './registry.ts';
import type { Presence } from './server-view.ts';
import type { SessionEvents } from './session-events.ts';
import { type ActionReports, reportTaker } from './take-report.ts';
import { ToldDesk } from './told-desk.ts';
import { Witnesses } from './witnesses.ts';

export interface OpenFleet extends AsyncDisposable {
  /** The `Fleet` of use cases. */
  readonly registry: FleetRegistry;
  /** The plugin for `GET /agent`; register it before any other route. `actions` takes reports about actions. */
  gateway(actions: ActionReports): ReturnType<typeof fleetGateway>;
  /** What the gateway hands to each connection: for whoever brings connections in by another way than sockets. */
  connections(actions: ActionReports): ConnectionDeps;
  /** Whether agents wait to be let in, or shake hands. */
  isBusy(): boolean;
  /** Begins to watch over links, clocks and absent servers. Call it before the app listens. */
  start(): Promise<void>;
  /** What is known of servers now, beside what is stored. */
  readonly presence: Presence;
  /** Tells a server and its watchers that other thresholds hold. */
  announceThresholds(serverId: string, thresholds: Thresholds): void;
  /** Hands changes of the lock to the servers that lack them. */
  lockChanged(): void;
  /** Gives a new checkpoint to the servers. */
  checkpointMade(checkpoint: { readonly size: number; readonly note: string }): void;
  /** Lets changes go again to servers whose contradiction an owner accepted. */
  rollbackAccepted(serverIds: readonly string[]): void;
  /** Lets changes go again to a server that was in quarantine. */
  released(serverId: string, by: string): Promise<void>;
}

/** Makes the fleet. It listens to nobody until its gateway is registered and `start` was called. */
export function openFleet(
  core: Core,
  { key, limits = fleetLimits }: { readonly key: SigningKey; readonly limits?: FleetLimits },
): OpenFleet {
  const heartbeats = new Heartbeats(core);
  const line = new HandshakeLine(core, limits);
  const registry = new FleetRegistry({ ...core, limits, seenAt: (id) => heartbeats.seenAt(id) });
  const offlineWatch = new OfflineWatch(core);
  const clockWatch = new ClockWatch(core);
  const refusals = new Refusals(core);
  const handout = new LockHandout({ ...core, registry });
  const witnesses = new Witnesses({ ...core, registry });
  const desk = new ToldDesk(core, handout, witnesses);
  const connections = (actions: ActionReports): ConnectionDeps => ({
    ...{ ...core, key, limits, registry, refusals, witnesses },
    events: sessionEvents(core, { registry, heartbeats, clockWatch, desk }, actions),
  });
  return {
    registry,
    connections,
    gateway: (actions) => fleetGateway(connections(actions), line),
    isBusy: () => line.isBusy,
    async start() {
      await Promise.all([offlineWatch.start(registry), clockWatch.start(), refusals.start(), witnesses.start()]);
      registry.follow(witnesses);
      registry.follow(handout);
      handout.start();
      heartbeats.start();
      registry.start();
    },
    presence: presenceOf(registry, heartbeats),
    announceThresholds(serverId, thresholds) {
      registry.sendThresholds(serverId, thresholds);
      offlineWatch.setThresholds(serverId, thresholds);
    },
    lockChanged: () => handout.lockChanged(),
    checkpointMade: (checkpoint) => witnesses.checkpointMade(checkpoint),
    rollbackAccepted: (serverIds) => witnesses.rollbackAccepted(serverIds),
    released: (serverId, by) => refusals.released(serverId, by),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      for (const part of [desk, handout, witnesses]) await part[Symbol.asyncDispose]();
      await offlineWatch[Symbol.asyncDispose]();
      await clockWatch.settled();
      await heartbeats[Symbol.asyncDispose]();
    },
  };
}

interface Listeners {
  readonly registry: FleetRegistry;
  readonly heartbeats: Heartbeats;
  readonly clockWatch: ClockWatch;
  readonly desk: ToldDesk;
}

/** Where goes what sessions hear. */
function sessionEvents(core: Core, to: Listeners, actions: ActionReports): SessionEvents {
  return {
    takeReport: reportTaker({ ...core, actions, clockOffsetMs: (id) => to.registry.clockOffsetMs(id) ?? 0 }),
    told: (serverId, message) => to.desk.take(serverId, message),
    alive: (serverId, clockOffsetMs, sample) => {
      to.heartbeats.take(serverId, clockOffsetMs, sample);
      to.clockWatch.take(serverId, clockOffsetMs);
    },
  };
}

function presenceOf(registry: FleetRegistry, heartbeats: Heartbeats): Presence {
  return {
    isOnline: (id) => registry.isOnline(id),
    newestSample: (id) => heartbeats.newestOf(id),
    seenAt: (id) => heartbeats.seenAt(id),
  };
}
