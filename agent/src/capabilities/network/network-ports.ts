import { unitOfProcess } from '../../host/processes.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { Report } from '../report.ts';
import { probeTcp } from './local-probe.ts';
import { holdersIn } from './socket-holders.ts';

/** Ports of data stores that should not be open to everybody. */
export const DATA_STORES: Readonly<Record<number, string>> = {
  2375: 'Docker without TLS',
  2379: 'etcd',
  3306: 'MySQL',
  5432: 'PostgreSQL',
  5984: 'CouchDB',
  6379: 'Redis',
  9200: 'Elasticsearch',
  11211: 'memcached',
  27017: 'MongoDB',
};

export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  /** Connections that wait to be accepted, and how many may. */
  readonly waiting: number;
  readonly backlog: number;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
}

/** Who listens where; with `port`, whether somebody accepts connections on it. */
export const networkPorts: Observer<'network_ports'> = async ({ port }, context) => {
  const report = new Report(context);
  const listeners = await readListeners(report, context);
  if (port !== undefined) await lookAtPort(report, context, listeners, port);
  if (listeners === null) return report.finish();
  report.figure('listeners', listeners.length);
  for (const listener of listeners) lookAtListener(report, listener);
  if (listeners.length > 0)
    report.add({
      kind: 'network.listeners',
      severity: report.isCalm ? 'ok' : 'info',
      title: `${listeners.filter(({ protocol }) => protocol === 'tcp').length} TCP and ${listeners.filter(({ protocol }) => protocol === 'udp').length} UDP ports are listened on.`,
      evidence: [['ss -H -lntup', listeners.map(print).join('\n')]],
    });
  return report.finish();
};

async function readListeners(report: Report, context: ObserveContext): Promise<Listener[] | null> {
  const done = await context.exec({
    argv: ['ss', '-H', '-l', '-n', '-t', '-u', '-p'],
    timeoutMs: 8000,
    hostNetwork: true,
    signal: context.signal,
  });
  if (done.exitCode !== 0) {
    report.blind(
      'Listening ports',
      done.notStarted === 'ENOENT' ? 'ss is not installed (package iproute2)' : 'ss failed',
    );
    return null;
  }
  const listeners = parseListeners(done.stdout);
  if (listeners.length > 0 && listeners.every(({ processes }) => processes.length === 0))
    report.blind('The processes that listen', 'that needs root');
  return listeners;
}

async function lookAtPort(
  report: Report,
  context: ObserveContext,
  listeners: readonly Listener[] | null,
  port: number,
): Promise<void> {
  const answer = await probeTcp(context, port);
  const listening = listeners?.filter((listener) => listener.port === port && listener.protocol === 'tcp') ?? [];
  report.figure('port', port);
  report.figure('port_open', answer.open);
  if (answer.open || listening.length > 0) {
    report.add({
      kind: answer.open ? 'network.port_open' : 'network.port_not_local',
      severity: answer.open ? 'ok' : 'info',
      title: answer.open
        ? `Port ${port} accepts connections.`
        : `Port ${port} is listened on, but not on 127.0.0.1: ${listening.map(({ address }) => address).join(', ')}.`,
      evidence: [['ss -H -lntup', listening.map(print).join('\n')]],
    });
    return;
  }
  report.add({
    kind: 'network.port_closed',
    severity: 'critical',
    title: `Nobody listens on port ${port}.`,
    causes: [
      'The service that should listen is down or was configured otherwise: run service with its name, or failed_units.',
    ],
  });
}

function lookAtListener(report: Report, listener: Listener): void {
  if (listener.protocol === 'tcp' && listener.backlog > 0 && listener.waiting >= listener.backlog)
    report.add({
      kind: 'network.backlog_full',
      severity: 'critical',
      title: `${listener.waiting} connections wait on port ${listener.port} and no more fit in its queue.`,
      causes: ['Its process hangs or is too slow to accept connections.'],
      suggestions: unitsOf(listener).map((unit) => ({
        playbook: 'service.restart',
        parameters: { unit },
        why: 'It does not accept connections any more.',
      })),
    });
  const store = DATA_STORES[listener.port];
  if (store !== undefined && listener.protocol === 'tcp' && /^(\*|0\.0\.0\.0|\[::\])$/.test(listener.address))
    report.add({
      kind: 'network.data_store_exposed',
      severity: 'warning',
      title: `${store} (port ${listener.port}) listens on all addresses.`,
      causes: ['It should listen on 127.0.0.1 only, unless a firewall keeps strangers away.'],
    });
}

/** Lines of `ss -H -lntup`: netid state recv-q send-q local peer [users:((…))]. Source: ss(8). */
export function parseListeners(text: string): Listener[] {
  return text.split('\n').flatMap((line) => {
    const [netid, , waiting, backlog, local = ''] = line.trim().split(/\s+/);
    const parsed = /^(.*):(\d+)$/.exec(local);
    if ((netid !== 'tcp' && netid !== 'udp') || parsed === null) return [];
    return [
      {
        protocol: netid,
        address: parsed[1] ?? '',
        port: Number(parsed[2]),
        waiting: Number(waiting),
        backlog: Number(backlog),
        processes: holdersIn(line),
      } satisfies Listener,
    ];
  });
}

function unitsOf({ processes }: Listener): string[] {
  const units = processes.map(({ pid }) => unitOfProcess(pid)).filter((unit) => unit?.endsWith('.service'));
  return [...new Set(units as string[])];
}

function print(listener: Listener): string {
  const [first] = listener.processes;
  const who = first === undefined ? '-' : `${first.name} (process ${first.pid}${unitSuffix(first.pid)})`;
  return `${listener.protocol} ${`${listener.address}:${listener.port}`.padEnd(28)} ${who}`;
}

function unitSuffix(pid: number): string {
  const unit = unitOfProcess(pid);
  return unit === null ? '' : `, ${unit}`;
}
