/**
 * `npm run load -- --servers 20000 --minutes 5`: what the control plane bears. Loopback only, bounded in count and time. Exit code 1 when
 * something was lost, done twice or answered wrongly, 2 when it could not be carried out.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { reportLines } from './load-report.ts';
import { runLoad, whyTooMany } from './run-load.ts';

const SERVERS_MAX = 50_000;
const MINUTES_MAX = 60;
const SERVERS_PER_WORKER = 5000;

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '2000' },
    minutes: { type: 'string', default: '2' },
    workers: { type: 'string' },
    calls: { type: 'string', default: '40' },
    actions: { type: 'string', default: '4' },
    alerts: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

const fail = (why: string): never => {
  process.stderr.write(`${why}\n`);
  process.exit(2);
};
const number = (name: 'servers' | 'minutes' | 'workers' | 'calls' | 'actions' | 'alerts' | 'seed', most: number) => {
  const value = Number(values[name]);
  return value > 0 && value <= most ? value : fail(`--${name} is a number above 0, at most ${most}`);
};

const servers = number('servers', SERVERS_MAX);
const impossible = whyTooMany(servers);
if (impossible !== null) fail(impossible);
const say = (line: string) => process.stderr.write(`${line}\n`);
const result = await runLoad({
  servers,
  seconds: number('minutes', MINUTES_MAX) * 60,
  workers: values.workers === undefined ? Math.max(2, Math.ceil(servers / SERVERS_PER_WORKER)) : number('workers', 64),
  // One address may send 6,000 requests in a minute, and actions take about five each.
  callsPerSecond: number('calls', 60),
  actionsPerSecond: number('actions', 6),
  alertsPerSecond: number('alerts', 1000),
  seed: number('seed', 2 ** 31),
  say,
}).catch((error: unknown) => fail(error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error)));

const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'CPU'}, ${(totalmem() / 1024 ** 3).toFixed(0)} GiB, Node ${process.versions.node}`;
const lines = values.json ? [JSON.stringify({ machine, ...result }, null, 1)] : [machine, '', ...reportLines(result)];
process.stdout.write(`${lines.join('\n')}\n`);
process.exit(result.problems.length === 0 ? 0 : 1);
