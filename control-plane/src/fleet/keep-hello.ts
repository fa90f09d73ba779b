/** What is kept of a hello: facts, policy, capabilities; the rungs of the enrolment; what changed goes into the audit log. */
import { isLocked, type LocalPolicySummary, type ServerFacts } from '@countersign/protocol/agent-wire/facts';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { cleanFacts } from './clean-arrival.ts';
import type { Hello } from './handshake.ts';
import { CLOCK_OFFSET_MAX_MS } from './registry.ts';
import { type ServerReport, type ServerRow, saveEnrolmentStep, saveReport } from './server.store.ts';
import { osName } from './server-view.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'live'>;

export interface Arrival {
  /** As it was before. */
  readonly server: ServerRow;
  readonly hello: Hello;
  readonly clockOffsetMs: number;
  readonly level: number;
  readonly ip: string;
}

/** Stores what is new. Nothing is written for an agent that comes back as it was, so that ten thousand can come back at once. */
export async function keepHello(deps: Deps, arrival: Arrival): Promise<void> {
  const { server, hello } = arrival;
  const report: ServerReport = {
    facts: cleanFacts(hello.facts),
    policy: hello.policy,
    capabilities: hello.capabilities,
    agentVersion: hello.agentVersion,
    journalHead: hello.journalHead,
  };
  const first = server.facts_json === null;
  const policyChanged = server.policy_json !== null && server.policy_json !== JSON.stringify(report.policy);
  const same =
    server.facts_json === JSON.stringify(report.facts) &&
    server.policy_json === JSON.stringify(report.policy) &&
    server.capabilities_json === JSON.stringify(report.capabilities) &&
    server.agent_version === report.agentVersion &&
    server.journal_head === report.journalHead;
  if (same) return;
  await write(deps.db, async (trx) => {
    await saveReport(trx, server.id, report);
    if (first) await climb(trx, arrival, deps.clock.now());
    if (first || rebootedOrUpgraded(server, hello)) await auditConnected(trx, arrival, deps.clock.now());
    if (policyChanged) await auditPolicy(trx, server.id, hello.policy, arrival.ip, deps.clock.now());
  });
  if (first) deps.live.publish({ type: 'enrolment', server: server.id, step: 'ready' });
}

/** The last rungs of the enrolment: what was found on the server. */
async function climb(trx: Trx, { server, hello, clockOffsetMs }: Arrival, at: number): Promise<void> {
  await saveEnrolmentStep(trx, { server_id: server.id, step: 'checked', at, note: checks(hello, clockOffsetMs) });
  await saveEnrolmentStep(trx, { server_id: server.id, step: 'ready', at, note: `agent ${hello.agentVersion}` });
}

function checks({ facts, policy }: Hello, clockOffsetMs: number): string {
  const seconds = Math.abs(clockOffsetMs) / 1000;
  return [
    `${osName(facts)}, ${facts.arch}`,
    facts.systemd ? 'systemd' : 'no systemd: units cannot be managed',
    facts.root ? 'runner is root' : 'runner is not root: most changes will be refused by the system',
    policy.mode === 'act' ? 'changes allowed' : 'reading only',
    seconds * 1000 > CLOCK_OFFSET_MAX_MS
      ? `clock ${Math.round(seconds)} s off: changes are refused until it is mended`
      : `clock ${seconds.toFixed(1)} s off`,
  ].join('; ');
}

function rebootedOrUpgraded(server: ServerRow, hello: Hello): boolean {
  const before = JSON.parse(server.facts_json ?? '{}') as Partial<ServerFacts>;
  return before.bootId !== hello.facts.bootId || server.agent_version !== hello.agentVersion;
}

async function auditConnected(trx: Trx, { server, hello, clockOffsetMs, level, ip }: Arrival, at: number) {
  await appendEntry(trx, {
    event: 'server.connected',
    at,
    who: whoIs('agent', ip),
    serverId: server.id,
    details: {
      agent_version: hello.agentVersion,
      boot_id: hello.facts.bootId,
      journal_head: hello.journalHead,
      clock_offset_ms: Math.round(clockOffsetMs),
      level,
    },
  });
}

async function auditPolicy(trx: Trx, serverId: string, policy: LocalPolicySummary, ip: string, at: number) {
  await appendEntry(trx, {
    event: 'server.policy_changed',
    at,
    who: whoIs('agent', ip),
    serverId,
    details: { mode: policy.mode, max_risk: policy.maxRisk, commands: policy.commands, locked: isLocked(policy) },
  });
}
