/** The real runner with its real journal, on a simulated machine and disk. Whoever makes one takes over what the last one left. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noDeadMan } from '@countersign/agent/host/dead-man';
import type { StepProcesses } from '@countersign/agent/host/execution';
import type { Log } from '@countersign/agent/host/log';
import { Journal } from '@countersign/agent/run/journal';
import { type LocalPolicy, readLocalPolicy } from '@countersign/agent/run/local-policy';
import type { RunPorts } from '@countersign/agent/run/run-ports';
import { Runner } from '@countersign/agent/run/runner';
import type { Ids } from '@countersign/protocol';
import type { Machine } from './machine.ts';
import { controlPlaneKey } from './simulated-heart.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualDisk } from './virtual-disk.ts';

/** A policy under which nearly everything may happen, read once by the real reader. */
export const localPolicy: LocalPolicy = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-simulation-'));
  try {
    const file = join(folder, 'policy.yaml');
    writeFileSync(file, 'mode: act\nmax_risk: critical\n', { mode: 0o644 });
    return readLocalPolicy(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
})();

/** Steps here are jobs of the machine, so no process is ever started. */
const noProcesses: StepProcesses = {
  start: () => Promise.reject(new Error('the simulation starts no processes')),
  ended: async () => null,
  stop: async () => undefined,
  forget: async () => undefined,
};

export interface RunnerOptions {
  readonly process: SimulatedProcess;
  readonly machine: Machine;
  readonly disk: VirtualDisk;
  readonly ids: Ids;
  readonly log: Log;
}

export interface SimulatedRunner {
  readonly runner: Runner;
  readonly journal: Journal;
  readonly ports: RunPorts;
}

export function startRunner({ process, machine, disk, ids, log }: RunnerOptions): SimulatedRunner {
  const clock = machine.clock.of(process);
  const stateDir = disk.folderOf('runner', process);
  const { serverId } = machine.options;
  const ports: RunPorts = {
    ...{ clock, ids, log, stateDir, serverId },
    observers: machine.observers(process),
    changers: machine.changers(process),
    exec: () => Promise.reject(new Error('the simulation starts no processes')),
    self: [],
    processes: () => noProcesses,
    serverName: nameOf(serverId),
    controlPlaneKey: controlPlaneKey.publicKey,
    bootId: machine.bootId,
    policy: () => localPolicy,
    deadMan: noDeadMan,
    takeLockChanges: () => null,
  };
  const journal = Journal.open(stateDir, clock);
  return { runner: new Runner(ports, journal), journal, ports };
}

export function nameOf(serverId: string): string {
  return `web-${Number(serverId.slice(4))}`;
}
