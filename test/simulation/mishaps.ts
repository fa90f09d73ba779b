/** What goes wrong in a simulation: each takes the system and does one bad thing to it. */
import type { SimulatedServer } from './simulated-server.ts';
import type { WholeSystem } from './whole-system.ts';

export type Mishap = (system: WholeSystem) => void;

const some = ({ chance, servers }: WholeSystem): SimulatedServer => chance.pick(servers);

/** Killed after so many statements, writes or frames: anywhere. */
const fuse = ({ chance }: WholeSystem) => 1 + chance.below(80);

const killControlPlane: Mishap = (system) => {
  system.planeProcess.fuse = fuse(system);
};

const killLink: Mishap = (system) => {
  some(system).linkProcess.fuse = 1 + system.chance.below(20);
};

const killRunner: Mishap = (system) => {
  const { runnerProcess } = some(system);
  if (runnerProcess) runnerProcess.fuse = 1 + system.chance.below(30);
};

const losePower: Mishap = (system) => {
  some(system).losePower(system.chance.between(1000, 30_000), system.chance);
};

/** Half-open: nothing gets through, and nobody is told. */
const silence: Mishap = ({ network }) => {
  for (const connection of network.connectionsThat(() => true)) connection.silence();
};

const reset: Mishap = ({ network, chance }) => {
  for (const connection of network.connectionsThat(() => chance.happens(0.7))) connection.reset();
};

const partition: Mishap = (system) => {
  silence(system);
  system.network.weather = { latencyMs: 40, refused: 1 };
  system.time.after(system.chance.between(1000, 60_000), () => {
    system.network.weather = { latencyMs: 40, refused: 0 };
  });
};

const slow: Mishap = ({ network, chance }) => {
  network.weather = { latencyMs: chance.pick([1, 200, 3000, 12_000]), refused: chance.pick([0, 0, 0.5]) };
};

const fullDisk: Mishap = (system) => {
  const { disk } = some(system);
  disk.fault = system.chance.pick(['ENOSPC', 'EROFS']);
  system.time.after(system.chance.between(500, 30_000), () => {
    disk.fault = null;
  });
};

const fullStore: Mishap = (system) => {
  system.store.full = true;
  system.time.after(system.chance.between(500, 15_000), () => {
    system.store.full = false;
  });
};

const wrongServerClock: Mishap = (system) => {
  some(system).machine.clock.offsetMs = jump(system);
};

const wrongControlPlaneClock: Mishap = (system) => {
  system.clock.offsetMs = jump(system);
};

const somebodyElse: Mishap = (system) => {
  some(system).machine.drift(`${system.chance.pick(['nginx', 'php-fpm', 'redis'])}.service`);
};

function jump({ chance }: WholeSystem): number {
  const most = chance.pick([2000, 70_000, 10 * 60_000, 86_400_000]);
  return Math.round(chance.between(-most, most));
}

export const mishaps: readonly Mishap[] = [
  ...[killControlPlane, killControlPlane, killLink, killRunner, killRunner, losePower],
  ...[silence, reset, partition, slow, fullDisk, fullStore, wrongServerClock, wrongControlPlaneClock, somebodyElse],
];
