/** Agents of others, idle, each with a configuration of its own in a temporary folder. They watch this machine and change nothing. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../world/eventually.ts';
import { freePort } from '../../world/free-port.ts';
import { memoryOf } from '../process-figures.ts';
import { findPeer } from './find-program.ts';
import { type OwnChild, startChild } from './own-child.ts';

type Daemon = OwnChild | { readonly missing: string };

/** monit with a cycle of 30 s, as often as our heartbeat, over load, memory, CPU and the root file system. Source: monit(1). */
export async function startMonit(): Promise<Daemon> {
  const monit = findPeer('monit');
  if ('missing' in monit) return monit;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-monit-'));
  const config = join(folder, 'monitrc');
  await writeFile(
    config,
    `set daemon 30
set pidfile ${folder}/pid
set idfile ${folder}/id
set statefile ${folder}/state
set logfile ${folder}/log
check system bench
  if loadavg (5min) per core > 100 then alert
  if memory usage > 99% then alert
  if cpu usage > 100% for 10 cycles then alert
check filesystem root with path /
  if space usage > 99% then alert
`,
  );
  await chmod(config, 0o600); // monit refuses another mode
  return inFolder(folder, startChild(monit.path, ['-I', '-c', config]));
}

/** Puppet's agent, waiting for a certificate that nobody gives: idle, with everything loaded that it needs. */
export async function startPuppet(): Promise<Daemon> {
  const puppet = findPeer('puppet');
  if ('missing' in puppet) return puppet;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-puppet-'));
  for (const name of ['conf', 'var', 'run', 'log']) await mkdir(join(folder, name));
  const settings = {
    confdir: 'conf',
    vardir: 'var',
    rundir: 'run',
    logdir: 'log',
  };
  const argv = Object.entries(settings).map(([name, path]) => `--${name}=${join(folder, path)}`);
  const closed = String(await freePort());
  const child = startChild(puppet.path, [
    ...['agent', '--no-daemonize', '--server=127.0.0.1', `--serverport=${closed}`, '--certname=bench.invalid'],
    ...['--waitforcert=600', '--verbose', '--color=false', ...argv],
  ]);
  await eventually('puppet to wait', () => /CA|certificate|connect/i.test(child.printed()), { timeoutMs: 30_000 });
  return inFolder(folder, child);
}

/** Resolves when a daemon's memory is that of one that has started: it stays, or two seconds are over. */
export async function settled({ pid }: { readonly pid: number }): Promise<void> {
  let last = 0;
  await eventually(
    'the memory to stay',
    () => {
      const { rss } = memoryOf(pid);
      const stays = rss > 0 && Math.abs(rss - last) < 0.1;
      last = rss;
      return stays;
    },
    { timeoutMs: 10_000, everyMs: 500 },
  );
}

function inFolder(folder: string, child: OwnChild): OwnChild {
  return {
    ...child,
    [Symbol.asyncDispose]: async () => {
      await child[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
