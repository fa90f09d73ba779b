/** Wires the agent together: the only file that knows all of its parts. */

import { statSync } from 'node:fs';
import { type Clock, type Ids, systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import packageJson from '../package.json' with { type: 'json' };
import { availableCapabilities } from './capabilities/available.ts';
import type { AgentConfig, Surroundings } from './config.ts';
import { readBoot } from './host/boot.ts';
import { readFacts } from './host/facts.ts';
import { type Log, lineLog } from './host/log.ts';
import { memoryGiver } from './host/memory.ts';
import { isMissing, isRefused, readOwnFile } from './host/own-files.ts';
import { versionOfFile } from './host/own-version.ts';
import { startRunnerProcess } from './host/runner-process.ts';
import { SettingsProblem } from './host/settings-text.ts';
import { Backoff } from './link/backoff.ts';
import { Chunks } from './link/chunks.ts';
import { Deliveries } from './link/deliveries.ts';
import { dialer } from './link/dial.ts';
import { linkKey, readIdentity } from './link/identity.ts';
import type { LinkDeps, LinkState } from './link/link.ts';
import { Outbox } from './link/outbox.ts';
import { RememberedAbout } from './link/remembered-about.ts';
import { Rest } from './link/rest.ts';
import { RunnerClient } from './link/runner-client.ts';
import { Watcher } from './link/watcher.ts';
import { connectLocal } from './run/local-socket.ts';

export const agentVersion: string = packageJson.version;

export interface Surround {
  readonly config: AgentConfig;
  readonly surroundings: Surroundings;
  /** argv that runs this program: `[node, main.ts]`. */
  readonly self: readonly string[];
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly log?: Log;
}

const CA_BYTES_MAX = 4 * 1024 * 1024;

/** The parts that both processes have. */
export function basics(part: string, given: Surround) {
  const clock = given.clock ?? systemClock;
  const log =
    given.log ??
    lineLog(
      part,
      () => clock.now(),
      (line) => process.stderr.write(line),
    );
  return { clock, ids: given.ids ?? systemIds, log };
}

/** Everything that `keepLinked` needs, from the settings. `dispose` ends what was opened. */
export function composeLink(given: Surround, onState: (state: LinkState) => void): LinkDeps & { dispose(): void } {
  const { config, surroundings, self } = given;
  const base = basics('link', given);
  const identity = readIdentity(config.stateDir);
  if (identity === null) throw new SettingsProblem('this server is not enrolled yet: run countersign-agent enroll');
  const key = linkKey(config.stateDir);
  const rest = new Rest(base.clock, memoryGiver());
  const { outbox, deliveries, runner } = reporting(given, base, rest);
  const watcher = new Watcher({
    ...base,
    stateDir: config.stateDir,
    certificates: (signal) => runner.certificates(signal),
    onAlert: (alert) => deliveries.alert(alert),
  });
  return {
    ...base,
    dial: dialer({ url: config.url, tlsPin: config.tlsPin, ca: readCa(config.caFile), proxy: config.proxy }),
    backoff: new Backoff(base.ids),
    key,
    identity,
    serverName: identity.serverName,
    controlPlaneKey: config.controlPlaneKey,
    agentVersion: versionOfFile(self[0] ?? '') ?? agentVersion,
    runner,
    deliveries,
    capabilities: () => availableCapabilities(),
    facts: (root) => factsOf(base.clock, root, surroundings),
    remembered: new RememberedAbout(config.stateDir, base.log),
    // An idle link carries nothing of the following: it is loaded when it is needed for the first time.
    unknownRunner: async () => (await import('./observe-here.ts')).unknownRunner(),
    observeHere: async (request, signal) =>
      (await import('./observe-here.ts'))
        .observeHere({ clock: base.clock, self }, config, request, signal)
        .finally(() => rest.worked()),
    sample: () => watcher.sample(),
    onThresholds: (thresholds) => {
      watcher.thresholds = thresholds;
    },
    policyStamp: () => stampOf(config.policyFile),
    onState: (state) => {
      rest.worked();
      onState(state);
    },
    dispose() {
      rest.end();
      runner.close();
      outbox.close();
    },
  };
}

/** The runner and the way of its reports. */
function reporting(given: Surround, base: ReturnType<typeof basics>, rest: Rest) {
  const outbox = Outbox.open(given.config.stateDir, base.log);
  const deliveries = new Deliveries(outbox, new Chunks(), ({ actionId, report }) => runner.kept(actionId, report));
  const runner = new RunnerClient({
    ...base,
    connect: () => {
      rest.worked();
      return reachRunner(given);
    },
    onTold: (message) => {
      rest.worked();
      deliveries.take(message);
    },
  });
  return { outbox, deliveries, runner };
}

/** Facts of this machine, with the boot as it can be told apart in containers too. */
export function factsOf(clock: Clock, root: boolean, surroundings: Surroundings) {
  const boot = readBoot(surroundings.bootId);
  return { ...readFacts({ clock, root }), bootId: boot.id, bootedAt: boot.at };
}

/** The certificates to trust, as text, or `null` for the system's. Throws `SettingsProblem` when the file is not there. */
export function readCa(file: string | null): string | null {
  if (file === null) return null;
  const found = readOwnFile(file, CA_BYTES_MAX);
  if (found === null) throw new SettingsProblem(`there is no ${file}, which ca_file names`);
  return found.bytes.toString('utf8');
}

function reachRunner({ config, self, surroundings }: Surround) {
  if (config.runnerSocket !== null) return connectLocal(config.runnerSocket);
  const boot = surroundings.bootId === null ? {} : { COUNTERSIGN_BOOT_ID: surroundings.bootId };
  return startRunnerProcess([...self, 'runner', '--config', config.file, '--stdio'], boot);
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, ino, size, uid, mode } = statSync(file);
    return [mtimeMs, ino, size, uid, mode].join(' ');
  } catch (error) {
    if (isMissing(error) || isRefused(error)) return '';
    throw error;
  }
}
