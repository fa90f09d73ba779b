/** Runs the control plane in this process: configuration, composition, the words of the first run, an orderly end. */
import { join } from 'node:path';
import { systemClock } from '@countersign/protocol';
import { setupNeeded } from '../access/set-up.ts';
import { forgetSetupLink, makeSetupLink } from '../access/setup-link.ts';
import { type ControlPlane, compose } from '../compose.ts';
import { type Config, ConfigError, loadConfig } from '../config/config.ts';
import { type Env, readEnv, variables } from '../config/env.ts';
import { armFailPoint } from '../fail-points.ts';
import { Rest } from '../fleet/rest.ts';
import { giveMemoryBack } from '../give-memory-back.ts';
import { gatherLines, makeLog } from '../log.ts';
import type { Log } from '../ports.ts';
import { claimStore } from '../storage/database.ts';
import { version } from '../version.ts';
import { greetingLines } from './greeting.ts';
import { forgetRunning, readRunning, writeRunning } from './running.ts';

export interface ServeOptions {
  /** Starts what runs beside the control plane, once it listens. */
  readonly beside?: (controlPlane: ControlPlane, env: Env) => Promise<AsyncDisposable | null>;
}

/** Runs the control plane until SIGINT or SIGTERM, then ends everything in order. A second signal ends it at once. */
export async function serve(options: ServeOptions = {}): Promise<void> {
  const env = readEnv();
  armFailPoint(env.COUNTERSIGN_FAIL_POINT);
  const config = configOrExit(env);
  const signalled = nextSignal();
  const colour = env.NO_COLOR === undefined && process.stdout.isTTY === true;
  const log = makeLog({
    clock: systemClock,
    write: gatherLines((text) => void process.stderr.write(text)),
    ...(colour ? { form: 'words', least: 'warn' } : {}),
  });
  await using stack = new AsyncDisposableStack();
  stack.use(await claimOrExit(config));
  const controlPlane = stack.use(await composeOrExit(config, log));
  stack.defer(() => forgetRunning(config.dataDir, process.pid));
  const setupLink = await tellWhereWeAre(controlPlane);
  const { publicUrl, secrets } = controlPlane;
  for (const line of greetingLines({
    ...{ version, publicUrl, setupLink, colour, dataDir: config.dataDir, telegram: config.telegram !== null },
    ...{ pin: secrets.tls?.pin ?? null, localAgent: options.beside ? config.localAgent : 'off' },
  }))
    process.stdout.write(`${line}\n`);
  const rest = stack.use(
    new Rest(systemClock, () => giveMemoryBack({ clock: systemClock, log }), controlPlane.fleet.isBusy),
  );
  controlPlane.fleet.registry.follow(rest);
  stack.use(await options.beside?.(controlPlane, env));
  await signalled;
  if (colour) process.stdout.write('\nStopping …\n');
}

/** Writes where this machine reaches us, and the setup link while nobody can sign in. */
async function tellWhereWeAre({ config, access, publicUrl, localUrl, secrets }: ControlPlane): Promise<string | null> {
  const { dataDir } = config;
  const pin = secrets.tls?.localPin ?? null;
  await writeRunning(dataDir, { pid: process.pid, url: localUrl, publicUrl, pin });
  if (await setupNeeded(access)) return (await makeSetupLink(access, { dataDir, publicUrl })).url;
  await forgetSetupLink(dataDir);
  return null;
}

function configOrExit(env: Env): Config {
  try {
    return loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { variable, problem } of error.problems)
      process.stderr.write(`${variable} ${problem}.\n  ${variable}: ${variables[variable]}\n`);
    process.exit(2);
  }
}

/** A port that is taken or not ours to take is no defect: say which variable to set. */
async function composeOrExit(config: Config, log: Log): Promise<ControlPlane> {
  try {
    return await compose(config, { log });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    const why = {
      EADDRINUSE: 'is taken by another program',
      EACCES: 'may not be used by this user',
      EADDRNOTAVAIL: 'is not an address of this machine',
    };
    process.stderr.write(`${config.host}:${config.port} ${why[code]}.\n  Set COUNTERSIGN_PORT or COUNTERSIGN_HOST.\n`);
    process.exit(2);
  }
}

/** Two control planes on one store would both dispatch, also when the other one only seems to be dead. */
async function claimOrExit({ dataDir }: Config): Promise<Disposable> {
  const claim = claimStore(join(dataDir, 'running.lock'));
  if (claim) return claim;
  const other = await readRunning(dataDir);
  process.stderr.write(
    `A control plane runs on ${dataDir} already${other ? ` (process ${other.pid}, ${other.publicUrl})` : ''}.\n` +
      '  Stop it first, or set COUNTERSIGN_DATA to another folder.\n',
  );
  process.exit(2);
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
      seen = true;
      resolve();
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  });
}
