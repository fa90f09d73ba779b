import type { Suggestion } from '@countersign/protocol';
import { unitProperties } from '../../host/unit.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { DATA_STORES, type Listener } from '../network/network-ports.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report } from '../report.ts';
import { presentRulesParsed } from './nft.ts';
import { portsOf, readOutsideListeners } from './outside-listeners.ts';
import { proposedRules } from './proposed-rules.ts';
import { type Rules, reachOf } from './reachable-ports.ts';

const ASK_MS = 6000;
/** A table of ours: it holds addresses that were blocked for a while, and lets everything else pass. */
const OUR_TABLE = 'countersign';
const RULE_LOADERS = ['nftables', 'ufw', 'firewalld', 'netfilter-persistent'];

/** What is let in by default, and which ports that listen everybody outside can reach. */
export const firewall: Observer<'firewall'> = async (_, context) => {
  const report = new Report(context);
  const rules = await presentRulesParsed(context);
  const legacy = await legacyRules(context);
  const listeners = await readOutsideListeners(context);
  if (rules === null) report.blind('The rules of nftables', 'nft is not installed, or it does not tell');
  if (legacy !== null)
    report.blind('What the rules of iptables-legacy let in', 'only those of nftables can be followed');
  if (listeners === null) report.blind('Listening ports', 'ss is not installed or failed');
  const ufw = await ufwStatus(context);
  report.figure('ufw', ufw === null ? null : (/^Status: (\w+)/m.exec(ufw)?.[1] ?? 'unknown'));
  const evidence: [string, string][] = [
    ['nftables input chains', rules === null ? '' : printChains(rules)],
    ['iptables-legacy-save -c', legacy ?? ''],
    ['ufw status verbose', ufw ?? ''],
  ];
  if (rules !== null && listeners !== null)
    lookAtReach(report, { rules, listeners, evidence, certain: legacy === null });
  if (rules !== null && inputChains(rules).length > 0)
    await orBlind(report, 'What loads the rules at boot', () => lookAtBoot(report, context));
  if (report.isCalm)
    report.add({
      kind: 'firewall.calm',
      severity: 'ok',
      title: 'The firewall keeps out what is not served.',
      evidence,
    });
  return report.finish();
};

interface Seen {
  readonly rules: Rules;
  readonly listeners: readonly Listener[];
  readonly evidence: [string, string][];
  /** Whether these are all the rules. */
  readonly certain: boolean;
}

function lookAtReach(report: Report, { rules, listeners, evidence, certain }: Seen): void {
  const tcp = portsOf(listeners, 'tcp');
  const open = tcp.filter((port) => reachOf(rules, port) === 'open');
  const stores = open.filter((port) => DATA_STORES[port] !== undefined);
  const inputs = inputChains(rules);
  report.figure('input_chains', inputs.length);
  report.figure('open_ports', open.length);
  if (!certain) return;
  const suggestions = inputs.length === 0 ? propose(rules, listeners) : [];
  for (const port of stores)
    report.add({
      kind: 'firewall.data_store_open',
      severity: 'critical',
      title: `Everybody outside can reach ${DATA_STORES[port]} on port ${port}.`,
      evidence,
      causes: ['It listens on all addresses, and no rule of the firewall keeps strangers away.'],
      suggestions,
    });
  if (inputs.length === 0)
    report.add({
      kind: 'firewall.no_rules',
      severity: 'warning',
      title: `No rule filters what comes in: ${sayPorts(open)}.`,
      evidence: [['ss -H -lntup', listeners.map((each) => `${each.protocol} ${each.address}:${each.port}`).join('\n')]],
      causes: ['No firewall was set up, or its service did not load its rules.'],
      suggestions: stores.length > 0 ? [] : suggestions,
    });
  else if (inputs.every(({ policy }) => policy !== 'drop') && open.length > 0)
    report.add({
      kind: 'firewall.default_accept',
      severity: 'info',
      title: `What no rule names is let in: ${sayPorts(open)}.`,
      evidence,
    });
}

/** Rules that close what should not be open. Only where there are no others, of Docker for instance, which they would replace. */
function propose(rules: Rules, listeners: readonly Listener[]): Suggestion[] {
  if (rules.chains.some(({ table }) => table !== OUR_TABLE)) return [];
  const isServed = (port: number) => DATA_STORES[port] === undefined;
  const tcp = portsOf(listeners, 'tcp').filter(isServed);
  const udp = portsOf(listeners, 'udp').filter((port) => port !== 68 && port !== 546);
  // Without a way in by SSH nobody could mend what the rules break.
  const ssh = listeners.find(({ protocol, processes }) => protocol === 'tcp' && processes.some(isSshd));
  if (ssh === undefined) return [];
  return [
    {
      playbook: 'firewall.apply_rules',
      parameters: { ruleset: proposedRules({ tcp, udp }), port: ssh.port },
      why: `It keeps ${sayList(tcp)} open and closes everything else.`,
    },
  ];
}

const isSshd = ({ name }: { readonly name: string }) => name === 'sshd';

async function lookAtBoot(report: Report, context: ObserveContext): Promise<void> {
  for (const name of RULE_LOADERS) {
    const { UnitFileState } = await unitProperties(context.exec, `${name}.service`, ['UnitFileState']);
    if (UnitFileState === 'enabled') return;
  }
  report.add({
    kind: 'firewall.not_at_boot',
    severity: 'info',
    title: 'Nothing loads these rules at boot: none of nftables, ufw, firewalld and netfilter-persistent is enabled.',
  });
}

const inputChains = ({ chains }: Rules) =>
  chains.filter(({ hook, type, table }) => hook === 'input' && type !== 'nat' && table !== OUR_TABLE);

function printChains(rules: Rules): string {
  return inputChains(rules)
    .map(({ family, table, name, policy }) => `${family} ${table} ${name}: policy ${policy ?? 'accept'}`)
    .join('\n');
}

/** Rules that nft does not show; `null` when there are none, or no such program. */
async function legacyRules(context: ObserveContext): Promise<string | null> {
  const argv = ['iptables-legacy-save', '-c'];
  const done = await context.exec({ argv, timeoutMs: ASK_MS, hostNetwork: true, signal: context.signal });
  return done.exitCode === 0 && /^(\[\d+:\d+\] )?-A INPUT |^:INPUT DROP/m.test(done.stdout) ? done.stdout : null;
}

async function ufwStatus(context: ObserveContext): Promise<string | null> {
  const argv = ['ufw', 'status', 'verbose'];
  const done = await context.exec({ argv, timeoutMs: ASK_MS, hostNetwork: true, signal: context.signal });
  return done.exitCode === 0 ? done.stdout : null;
}

function sayPorts(ports: readonly number[]): string {
  return ports.length === 0
    ? 'no TCP port listens to the outside'
    : `everybody outside reaches ${count(ports.length, 'TCP port')} (${sayList(ports)})`;
}

function sayList(ports: readonly number[]): string {
  const shown = ports.slice(0, 12).join(', ');
  return ports.length > 12 ? `${shown} and ${ports.length - 12} more` : shown || 'nothing';
}
