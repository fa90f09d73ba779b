/**
 * What is kept of a hello: facts, policy, capabilities, what the server keeps of the audit log; the rungs of the enrolment; what
 * changed goes into the audit log.
 */
import type { ServerFacts } from '@countersign/protocol/agent-wire/facts';
import { type Judgement, judgeWitnessed, keepJudgement } from '../audit/judge-witnessed.ts';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { cleanFacts } from './clean-arrival.ts';
import type { Hello } from './handshake.ts';
import { auditPolicy } from './keep-policy.ts';
import { CLOCK_OFFSET_MAX_MS } from './registry.ts';
import { type ServerReport, type ServerRow, saveEnrolmentStep, saveReport } from './server.store.ts';
import { osName } from './server-view.ts';
import { keptWitnessOf, saveWitnessColumns, type WitnessColumns, witnessColumns } from './witness.store.ts';
import type { Witnesses } from './witnesses.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'live'> & { readonly witnesses: Pick<Witnesses, 'helloKept'> };

export interface Arrival {
  /** As it was before. */
  readonly server: ServerRow;
  readonly hello: Hello;
  readonly clockOffsetMs: number;
  readonly level: number;
  readonly ip: string;
}

/**
 * Stores what is new. Nothing is written for an agent that comes back as it was, so that ten thousand can come back at once. What
 * contradicts the audit log is stored before the agent counts as connected, so that no change goes there.
 */
export async function keepHello(deps: Deps, arrival: Arrival): Promise<void> {
  const { server, hello, ip } = arrival;
  const report: ServerReport = {
    facts: cleanFacts(hello.facts),
    policy: hello.policy,
    capabilities: hello.capabilities,
    agentVersion: hello.agentVersion,
    journalHead: hello.journalHead,
  };
  const first = server.facts_json === null;
  const policyChanged = server.policy_json !== null && server.policy_json !== JSON.stringify(report.policy);
  const witness = await readWitness(deps, arrival);
  if (!isSame(server, report) || witness.isNews) {
    const at = deps.clock.now();
    await write(deps.db, 'fleet.keep_hello', async (trx) => {
      await saveReport(trx, server.id, report);
      if (first) await climb(trx, arrival, at);
      if (first || rebootedOrUpgraded(server, hello)) await auditConnected(trx, arrival, at);
      if (policyChanged) await auditPolicy(trx, server.id, hello.policy, { ip, at });
      if (witness.pin !== null) await saveWitnessColumns(trx, server.id, { witness_key: witness.pin });
      await keepJudgement(trx, server.id, witness.judgement, { at, who: whoIs('agent', ip) });
    });
  }
  const contradicts = witness.judgement.contradiction !== null;
  deps.witnesses.helloKept(server.id, {
    keeps: contradicts ? null : witness.countersigned,
    ...{ contradicts, otherKey: witness.otherKey },
  });
  if (first) deps.live.publish({ type: 'enrolment', server: server.id, step: 'ready' });
}

function isSame(server: ServerRow, report: ServerReport): boolean {
  return (
    server.facts_json === JSON.stringify(report.facts) &&
    server.policy_json === JSON.stringify(report.policy) &&
    server.capabilities_json === JSON.stringify(report.capabilities) &&
    server.agent_version === report.agentVersion &&
    server.journal_head === report.journalHead
  );
}

interface ReadWitness {
  readonly judgement: Judgement;
  /** The witness key at first sight. */
  readonly pin: string | null;
  readonly otherKey: { readonly pinned: string; readonly told: string } | null;
  readonly isNews: boolean;
  /** The size of the checkpoint that the hello names, where the server's signature over it is kept here. */
  readonly countersigned: number | null;
}

async function readWitness(deps: Deps, { server, hello }: Arrival): Promise<ReadWitness> {
  const columns: WitnessColumns = (await witnessColumns(deps.db, server.id)) ?? server;
  const told = hello.witnessed && { ...hello.witnessed, signature: null };
  const judgement = await judgeWitnessed(deps.db, columns, told, deps.clock.now());
  const { witness_key: pinned } = columns;
  const { witnessKey } = hello;
  const pin = pinned === null ? witnessKey : null;
  return {
    judgement,
    pin,
    otherKey: pinned !== null && witnessKey !== null && pinned !== witnessKey ? { pinned, told: witnessKey } : null,
    countersigned: countersignedSize(columns, hello),
    isNews: pin !== null || Object.keys(judgement.columns).length > 0,
  };
}

function countersignedSize({ witness_json }: WitnessColumns, { witnessed }: Hello): number | null {
  const kept = keptWitnessOf(witness_json);
  const same =
    kept !== null && kept.signature !== null && kept.size === witnessed?.size && kept.head === witnessed.head;
  return same ? kept.size : null;
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
