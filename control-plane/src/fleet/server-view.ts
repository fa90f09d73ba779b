/** Servers as the operator API shows them. */
import { isoTime } from '@countersign/protocol';
import {
  isLocked,
  type LocalPolicySummary,
  type ServerFacts,
  type StatusSample,
  thresholdsSchema,
} from '@countersign/protocol/agent-wire/facts';
import type { ServerDetail, ServerView } from '@countersign/protocol/operator-api/index';
import { countFiring } from '../alerts/alert.store.ts';
import type { Db } from '../storage/database.ts';
import type { ListedServer } from './listed-server.store.ts';
import { newestSampleOf, newestSamples, type ServerRow } from './server.store.ts';
import { trustSentence, witnessView } from './trust.ts';

/** What is known of servers now, beside what is stored. */
export interface Presence {
  isOnline(serverId: string): boolean;
  newestSample(serverId: string): StatusSample | undefined;
  /** When it was heard of last, where that is newer than what is stored; milliseconds since 1970. */
  seenAt(serverId: string): number | undefined;
}

interface Deps {
  readonly db: Db;
  readonly presence: Presence;
}

/** So many samples make a picture; more would not fit into what an assistant can read. */
const HISTORY = 60;

/** `firing`: how many alerts fire there, where that is known. */
export async function serverViews(
  { db, presence }: Deps,
  rows: readonly (ServerRow & Partial<Pick<ListedServer, 'firing'>>)[],
): Promise<ServerView[]> {
  const idsOf = (without: (row: (typeof rows)[number]) => boolean) => rows.filter(without).map(({ id }) => id);
  const counted = await countFiring(
    db,
    idsOf(({ firing }) => firing === undefined),
  );
  const stored = await newestSampleOf(
    db,
    idsOf(({ id }) => presence.newestSample(id) === undefined),
  );
  return rows.map((row) => {
    const sample = presence.newestSample(row.id) ?? stored.get(row.id);
    return viewOf(row, presence, sample, row.firing ?? counted.get(row.id) ?? 0);
  });
}

export async function serverDetail(deps: Deps, row: ServerRow): Promise<ServerDetail> {
  const [view] = await serverViews(deps, [row]);
  if (view === undefined) throw new Error('one row makes one view');
  const history = await newestSamples(deps.db, row.id, HISTORY);
  return {
    ...view,
    facts: parsed<ServerFacts>(row.facts_json),
    policy: parsed<LocalPolicySummary>(row.policy_json),
    capabilities: JSON.parse(row.capabilities_json),
    agent_version: row.agent_version,
    clock_offset_ms: row.clock_offset_ms,
    thresholds: thresholdsSchema.parse(JSON.parse(row.thresholds_json)),
    trust: await trustSentence(deps.db, row),
    witness: await witnessView(deps.db, row),
    added_at: isoTime(row.created_at),
    history: history.map(sampleView),
  };
}

/** The state that people see: whether an enrolled server is online follows from its connection. */
export function stateOf(row: Pick<ServerRow, 'id' | 'state'>, presence: Pick<Presence, 'isOnline'>) {
  if (row.state !== 'enrolled') return row.state;
  return presence.isOnline(row.id) ? 'online' : 'offline';
}

function viewOf(row: ServerRow, presence: Presence, sample: StatusSample | undefined, firing: number): ServerView {
  const facts = parsed<ServerFacts>(row.facts_json);
  const policy = parsed<LocalPolicySummary>(row.policy_json);
  const seenAt = presence.seenAt(row.id) ?? row.last_seen_at;
  return {
    id: row.id,
    name: row.name,
    labels: JSON.parse(row.labels_json),
    state: stateOf(row, presence),
    last_seen_at: seenAt === null ? null : isoTime(seenAt),
    os: facts && osName(facts),
    mode: policy?.mode ?? null,
    locked: policy !== null && isLocked(policy),
    firing_alerts: firing,
    sample: sample === undefined ? null : sampleView(sample),
  };
}

function sampleView(sample: StatusSample): NonNullable<ServerView['sample']> {
  const { fullestMount } = sample;
  return {
    at: isoTime(sample.at),
    load1_per_cpu: sample.load1PerCpu,
    memory_used_ratio: sample.memoryUsedRatio,
    swap_used_ratio: sample.swapUsedRatio,
    fullest_mount: fullestMount && { mount: fullestMount.mount, used_ratio: fullestMount.usedRatio },
    failed_units: sample.failedUnits,
    uptime_s: sample.uptimeS,
  };
}

/** Some systems name their version in their name already. Source: os-release(5), PRETTY_NAME. */
export function osName({ os }: Pick<ServerFacts, 'os'>): string {
  return os.name.includes(os.version) ? os.name : `${os.name} ${os.version}`;
}

function parsed<T>(json: string | null): T | null {
  return json === null ? null : (JSON.parse(json) as T);
}
