/**
 * A control plane as `compose.ts` wires it, without HTTP, Telegram and files: store, fleet with its gateway's connections,
 * actions with their sweeps, checkpoints, witnesses. It can be killed at any statement and any frame, and started again.
 */
import type { ActionDeps } from '@countersign/control-plane/actions/action-deps';
import { startActions } from '@countersign/control-plane/actions/start-actions';
import { checkpointsOnClock } from '@countersign/control-plane/audit/checkpoint';
import { noteStarted } from '@countersign/control-plane/audit/note-life';
import { AgentConnection } from '@countersign/control-plane/fleet/connection';
import { fleetLimits } from '@countersign/control-plane/fleet/limits';
import { type OpenFleet, openFleet } from '@countersign/control-plane/fleet/open-fleet';
import type { PolicyInForce } from '@countersign/control-plane/policy/policy-book';
import type { Core, Log } from '@countersign/control-plane/ports';
import type { Ids } from '@countersign/protocol';
import { type Cards, controlPlaneKey, heartOn } from './simulated-heart.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedStore } from './simulated-store.ts';
import type { VirtualNetwork } from './virtual-network.ts';
import type { MachineClock } from './virtual-time.ts';

export interface ControlPlaneSurroundings {
  readonly store: SimulatedStore;
  readonly network: VirtualNetwork;
  readonly clock: MachineClock;
  readonly ids: Ids;
  readonly log: Log;
  readonly cards: Cards;
  readonly policy: () => PolicyInForce;
}

export interface SimulatedControlPlane {
  readonly process: SimulatedProcess;
  readonly deps: ActionDeps;
  readonly fleet: OpenFleet;
}

/** Starts one on the store. Never resolves when the process is killed meanwhile. */
export async function startControlPlane(
  process: SimulatedProcess,
  { store, network, clock: machineClock, ids, log, cards, policy }: ControlPlaneSurroundings,
): Promise<SimulatedControlPlane> {
  const clock = machineClock.of(process);
  const db = await store.openFor(process);
  const core: Core = { db, clock, ids, live: { publish: () => undefined }, log };
  let fleet: OpenFleet | undefined;
  checkpointsOnClock({ ...core, key: controlPlaneKey, made: (checkpoint) => fleet?.checkpointMade(checkpoint) });
  await noteStarted(core, { version: 'simulation', key: controlPlaneKey.publicKey });
  fleet = openFleet(core, { key: controlPlaneKey, limits: fleetLimits });
  const deps = heartOn({ db, clock, ids, log, fleet: fleet.registry, cards, policy });
  const actions = startActions(deps);
  fleet.registry.follow({ connected: (id) => actions.serverConnected(id), disconnected: () => undefined });
  await fleet.start();
  const connections = fleet.connections(actions.reports);
  network.listen(process, (wire) => new AgentConnection(connections, wire, () => undefined));
  return { process, deps, fleet };
}
