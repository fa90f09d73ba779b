/** Wires the runner together. Apart from `compose.ts`, so that the link, which is there all the time, does not carry it. */
import type { Server } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { changers, observers } from './capabilities/index.ts';
import { basics, type Surround } from './compose.ts';
import { readBoot } from './host/boot.ts';
import { noDeadMan, systemdDeadMan } from './host/dead-man.ts';
import { execute } from './host/exec.ts';
import { childProcesses, unitProcesses } from './host/step-processes.ts';
import { systemdRuns } from './host/unit.ts';
import { SettingsProblem } from './host/yaml.ts';
import { policyWithOwnFolders } from './own-policy.ts';
import { type Claim, claim } from './run/claim.ts';
import { Journal } from './run/journal.ts';
import { listen } from './run/listen.ts';
import { LockBook } from './run/lock-book.ts';
import type { RunPorts } from './run/run-ports.ts';
import { Runner } from './run/runner.ts';
import { RunnerService } from './run/serve.ts';
import { serverName } from './run/server-name.ts';

/** Longer than the minute after which a busy fleet's next checkpoint comes: a runner that ended just before would be started for each. */
const IDLE_MS = 75_000;

/** Runs the runner until nobody needs it, or until `signal` is aborted and its actions have ended. */
export async function runRunner(
  given: Surround,
  streams: { input: Readable; output: Writable } | null,
  signal: AbortSignal,
): Promise<void> {
  const { config, surroundings } = given;
  const { ports, asUnits, ...base } = runnerPorts(given, null);
  using own = closing(await claim(config.runnerStateDir, base.clock, signal));
  const journal = Journal.open(config.runnerStateDir, base.clock);
  const runner = new Runner(ports, journal);
  const ended = Promise.withResolvers<void>();
  const service = new RunnerService({
    ...{ runner, journal, ports },
    idleMs: IDLE_MS,
    onIdle: () => ended.resolve(),
    endWithLinks: streams !== null,
  });
  signal.addEventListener('abort', () => service.endWhenQuiet(), { once: true });
  if (streams !== null) service.serve(streams.input, streams.output);
  else {
    const at =
      surroundings.listenFd === null
        ? { path: config.runnerSocket ?? `${config.runnerStateDir}/runner.sock` }
        : { fd: surroundings.listenFd };
    own.add(await listen(at, (input, output) => service.serve(input, output)));
  }
  base.log.info('runner.ready', { server: ports.serverId, units: asUnits });
  await ended.promise;
}

/**
 * Takes one action back whose time to confirm is over by the machine's timer, with whatever else was left open here. Waits for
 * a runner that lives: that one takes it back itself. Links are told of it when the next runner comes.
 */
export async function runRevert(given: Surround, actionId: string, signal: AbortSignal): Promise<void> {
  const { config } = given;
  const { ports, clock, log } = runnerPorts(given, actionId);
  using _ = closing(await claim(config.runnerStateDir, clock, signal));
  const runner = new Runner(ports, Journal.open(config.runnerStateDir, clock), actionId);
  log.info('revert.begun', { actionId, open: runner.running });
  if (runner.running === 0) return;
  const quiet = Promise.withResolvers<void>();
  runner.onQuiet = () => quiet.resolve();
  await quiet.promise;
}

/** What a runner is handed. `reverting`: the action that this very process takes back. */
function runnerPorts(given: Surround, reverting: string | null) {
  const { config, surroundings, self } = given;
  const base = basics('runner', given);
  const name = serverName(config.runnerStateDir, config.stateDir);
  if (name === null) throw new SettingsProblem('this server is not enrolled yet: run countersign-agent enroll');
  const asUnits = systemdRuns() && process.getuid?.() === 0;
  const locks = new LockBook(config.runnerStateDir);
  const ports: RunPorts = {
    ...base,
    ...name,
    observers,
    changers,
    exec: execute,
    self,
    processes: (actionId, step) => {
      const identity = { actionId, step, stateDir: config.runnerStateDir, clock: base.clock };
      return asUnits ? unitProcesses(identity) : childProcesses(identity);
    },
    deadMan: asUnits
      ? systemdDeadMan({
          exec: execute,
          argvOf: (actionId) => [...self, 'revert', '--config', config.file, actionId],
          env: surroundings.bootId === null ? {} : { COUNTERSIGN_BOOT_ID: surroundings.bootId },
          own: reverting,
        })
      : noDeadMan,
    stateDir: config.runnerStateDir,
    controlPlaneKey: config.controlPlaneKey,
    bootId: readBoot(surroundings.bootId).id,
    policy: () => locks.follow(policyWithOwnFolders(config)),
    takeLockChanges: (changes) => locks.take(policyWithOwnFolders(config).lock, changes),
  };
  return { ...base, ports, asUnits };
}

function closing(first: Claim) {
  const open = [first];
  return {
    add: (server: Server) => void open.push(server),
    [Symbol.dispose]: () => {
      for (const each of open) each.close();
    },
  };
}
