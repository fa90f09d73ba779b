import type { Suggestion } from '@countersign/protocol';
import type { DnsAnswer } from '../../host/dns-query.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report } from '../report.ts';
import { probeNames } from './local-probe.ts';
import { RESOLVED_UNIT, type Resolver, readResolver } from './resolver.ts';
import { defaultRoute, readRoutes } from './routes.ts';

/** Asked when nothing is named: it always exists. RFC 2606. */
const ANY_NAME = 'example.com';
const SLOW_MS = 500;
/** What others may use when the servers of their own are silent: asked before they are offered. */
const PUBLIC_SERVERS = ['9.9.9.9', '1.1.1.1'];
const SERVERS_MAX = 8;

/** What the resolver of this server and every name server behind it say of each name, and which of them fails. */
export const dns: Observer<'dns'> = async ({ names }, context) => {
  const report = new Report(context);
  const resolver = await orBlind(report, 'How names are looked up', () => readResolver(context));
  if (resolver === null) return report.finish();
  const asked = names.length === 0 ? [ANY_NAME] : names;
  const behind = serversBehind(resolver);
  const servers = [...new Set([...resolver.configured, ...behind])].slice(0, SERVERS_MAX);
  report.figure('servers', servers.length);
  if (servers.length === 0) {
    report.add({
      kind: 'dns.no_servers',
      severity: 'critical',
      title: 'No name server is configured, so no name can be looked up.',
      causes: ['/etc/resolv.conf names none, and systemd-resolved does not run or knows none.'],
    });
    return report.finish();
  }
  const answers = await probeNames(context, servers, asked);
  const seen: Seen = { resolver, behind, answers, name: answers.find(fails)?.name ?? asked[0] ?? ANY_NAME };
  for (const server of servers) lookAtServer(report, seen, server);
  await lookAtResolver(report, context, seen);
  lookAtStale(report, seen);
  lookAtNames(report, seen, asked);
  if (report.isCalm)
    report.add({
      kind: 'dns.calm',
      severity: 'ok',
      title: `${count(servers.length, 'name server answers', 'name servers answer')} for ${asked.join(', ')}, the slowest within ${Math.max(...answers.map(({ ms }) => ms))} ms.`,
      evidence: [['direct queries', print(answers)]],
    });
  return report.finish();
};

interface Seen {
  readonly resolver: Resolver;
  /** Servers that the local resolver asks in turn. */
  readonly behind: readonly string[];
  readonly answers: readonly DnsAnswer[];
  /** One that failed, or the first. */
  readonly name: string;
}

/** No answer, or one that says that the server could not find out. That a name does not exist is an answer. */
const fails = ({ rcode }: DnsAnswer) => rcode !== 0 && rcode !== 3;
const isLocal = (server: string) => server.startsWith('127.') || server === '::1';

function serversBehind({ links }: Resolver): string[] {
  return [...new Set(links.flatMap(({ servers }) => servers))].filter((server) => !isLocal(server));
}

function failing({ answers }: Seen, server: string): boolean {
  const own = answers.filter((answer) => answer.server === server);
  return own.length > 0 && own.every(fails);
}

function lookAtServer(report: Report, seen: Seen, server: string): void {
  const own = seen.answers.filter((answer) => answer.server === server);
  const evidence = [['direct queries', print(own)]] as const;
  const slowest = Math.max(...own.map(({ ms }) => ms));
  if (isLocal(server)) return;
  if (failing(seen, server)) {
    const others = seen.behind.filter((other) => !failing(seen, other));
    report.add({
      kind: 'dns.server_failing',
      severity: 'warning',
      title: `The name server ${server} ${sayFailure(own[0])}.`,
      evidence,
      causes: ['It is down, it does not serve this network, or a firewall drops UDP port 53.'],
      suggestions: others.length === 0 ? [] : without(seen, server, others),
    });
  } else if (slowest >= SLOW_MS)
    report.add({
      kind: 'dns.slow',
      severity: 'warning',
      title: `The name server ${server} takes ${slowest} ms for an answer.`,
      evidence,
    });
}

/** Offers to go on with the servers of the same link that answer. */
function without({ resolver, name }: Seen, server: string, others: readonly string[]): Suggestion[] {
  const link = resolver.links.find((each) => each.link !== null && each.servers.includes(server));
  const rest = link?.servers.filter((each) => others.includes(each)) ?? [];
  return link?.link == null || rest.length === 0
    ? []
    : [setServers(link.link, rest, name, `${rest.join(', ')} still answers.`)];
}

function setServers(link: string, servers: readonly string[], name: string, why: string): Suggestion {
  const [server, second] = servers;
  return {
    playbook: 'dns.fix_resolver',
    parameters: { action: 'set_servers', link, server, ...(second ? { second_server: second } : {}), name },
    why,
  };
}

async function lookAtResolver(report: Report, context: ObserveContext, seen: Seen): Promise<void> {
  const { resolver, answers, behind, name } = seen;
  const [first] = resolver.configured;
  if (first === undefined) return;
  const own = answers.filter(({ server }) => server === first);
  const evidence = [['direct queries', print(answers)]] as const;
  const mend = (action: 'flush' | 'restart', why: string) => [
    { playbook: 'dns.fix_resolver', parameters: { action, name }, why },
  ];
  const working = behind.filter((server) => !failing(seen, server));
  if (failing(seen, first) && isLocal(first) && resolver.resolved.installed && !resolver.resolved.active)
    report.add({
      kind: 'dns.resolver_down',
      severity: 'critical',
      title: `Programs ask ${first}, but ${RESOLVED_UNIT} does not run.`,
      evidence,
      suggestions: mend('restart', `${RESOLVED_UNIT} is what answers on ${first}.`),
    });
  else if (failing(seen, first) && isLocal(first) && working.length > 0)
    report.add({
      kind: 'dns.local_resolver_failing',
      severity: 'critical',
      title: `The local resolver ${first} ${sayFailure(own[0])}, while ${working.join(', ')} behind it answers.`,
      evidence,
      suggestions: mend('restart', 'The servers behind it are well.'),
    });
  else if (resolver.configured.every((server) => failing(seen, server)))
    report.add({
      kind: 'dns.all_failing',
      severity: 'critical',
      title: `No name can be looked up: ${count(answers.length, 'query', 'queries')} to ${[...new Set(answers.map(({ server }) => server))].join(', ')} failed.`,
      evidence,
      causes: ['The name servers are down.', 'A firewall drops UDP port 53.', 'The server has lost its network.'],
      suggestions: await otherServers(context, seen),
    });
}

/** An answer from before that the local resolver keeps although the servers behind it know better. */
function lookAtStale(report: Report, seen: Seen): void {
  const { resolver, answers, behind } = seen;
  const [first = ''] = resolver.configured;
  const own = answers.filter(({ server }) => server === first);
  const stale = own.filter((answer) => answer.rcode === 3 && behind.length > 0 && knownBehind(seen, answer.name));
  if (isLocal(first) && stale.length > 0)
    report.add({
      kind: 'dns.stale_answer',
      severity: 'warning',
      title: `${first} still says that ${stale.map((answer) => answer.name).join(', ')} does not exist; the servers behind it know it.`,
      evidence: [['direct queries', print(answers)]],
      causes: ['The record is new, and the answer from before is kept until it expires.'],
      suggestions: [
        {
          playbook: 'dns.fix_resolver',
          parameters: { action: 'flush', name: stale[0]?.name ?? seen.name },
          why: 'Then it is asked for anew.',
        },
      ],
    });
}

const knownBehind = ({ answers, behind }: Seen, name: string) =>
  behind.every((server) =>
    answers.some((answer) => answer.server === server && answer.name === name && answer.addresses.length > 0),
  );

/** Servers that answer from here although none of the configured ones does: the router's own, and public ones. */
async function otherServers(context: ObserveContext, { resolver, name, answers }: Seen): Promise<Suggestion[]> {
  if (!resolver.resolved.active) return [];
  const way = defaultRoute((await readRoutes(context)) ?? []);
  if (way?.dev === undefined) return [];
  const known = new Set(answers.map(({ server }) => server));
  const candidates = [...(way.gateway === undefined ? [] : [way.gateway]), ...PUBLIC_SERVERS];
  const tried = await probeNames(
    context,
    candidates.filter((server) => !known.has(server)),
    [name],
  );
  const good = tried.filter((answer) => answer.rcode === 0);
  const [best] = good;
  return best === undefined
    ? []
    : [setServers(way.dev, [best.server], name, `${best.server} answers from here within ${best.ms} ms.`)];
}

function lookAtNames(report: Report, { answers }: Seen, names: readonly string[]): void {
  for (const name of names) {
    const own = answers.filter((answer) => answer.name === name && !fails(answer));
    if (own.length > 0 && own.every(({ rcode }) => rcode === 3))
      report.add({
        kind: 'dns.no_such_name',
        severity: 'warning',
        title: `${name} does not exist: ${count(own.length, 'server says', 'servers say')} so.`,
        evidence: [['direct queries', print(own)]],
        causes: ['The name is misspelt, its record was taken away, or its domain has expired.'],
      });
  }
}

function sayFailure(answer: DnsAnswer | undefined): string {
  if (answer?.rcode === 2) return `fails to find out about ${answer.name} (SERVFAIL)`;
  if (answer?.rcode === 5) return `refuses to answer about ${answer.name} (REFUSED)`;
  if (answer?.rcode != null) return `answers with error ${answer.rcode}`;
  return answer?.error?.startsWith('no answer')
    ? 'does not answer'
    : `cannot be reached (${answer?.error ?? 'no answer'})`;
}

function print(answers: readonly DnsAnswer[]): string {
  return answers
    .map(({ server, name, rcode, addresses, ms, error }) => {
      const said = error ?? (rcode === 0 ? addresses.join(' ') || 'no address' : `error ${rcode}`);
      return `${server.padEnd(16)} ${name}: ${said} (${ms} ms)`;
    })
    .join('\n');
}
