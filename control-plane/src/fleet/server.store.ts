/** Queries on servers, their samples and the rungs of their enrolment. */
import type { StatusSample, Thresholds } from '@countersign/protocol/agent-wire/facts';
import { type LocalPolicySummary, type ServerFacts, thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { type Selectable, sql } from 'kysely';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { EnrolmentStepTable, ServerTable } from '../storage/tables.ts';

export type ServerRow = Selectable<ServerTable>;
export type EnrolmentStepRow = Selectable<EnrolmentStepTable>;

/** As the partial indexes of servers have it: they are used only where the query says the same in so many words. */
const revoked = sql.lit<ServerRow['state']>('revoked');

/** What a hello tells of a server, as columns. */
export interface ServerReport {
  readonly facts: ServerFacts;
  readonly policy: LocalPolicySummary;
  readonly capabilities: readonly string[];
  readonly agentVersion: string;
  readonly journalHead: string | null;
}

export async function serverById(db: Db | Trx, id: string): Promise<ServerRow | undefined> {
  return (await byId(db, { id })).rows[0];
}

const byId = prepared<{ readonly id: string }, ServerRow>((db, slot) =>
  db.selectFrom('server').selectAll().where('id', '=', slot('id')),
);

/** The server with this id or, among those that were not removed, with this name. */
export async function serverByRef(db: Db | Trx, ref: string): Promise<ServerRow | undefined> {
  const withId = ref.startsWith('srv_') ? await serverById(db, ref) : undefined;
  return withId ?? (await byName(db, { name: ref })).rows[0];
}

const byName = prepared<{ readonly name: string }, ServerRow>((db, slot) =>
  db.selectFrom('server').selectAll().where('name', '=', slot('name')).where('state', '<>', revoked),
);

/** The enrolled server that this key belongs to. */
export async function serverByKey(db: Db | Trx, publicKey: string): Promise<ServerRow | undefined> {
  return db
    .selectFrom('server')
    .selectAll()
    .where('public_key', '=', publicKey)
    .where('state', '=', 'enrolled')
    .executeTakeFirst();
}

/** What is read of servers to find those that somebody asks for. */
export type ServerEntry = Pick<ServerRow, 'id' | 'name' | 'state' | 'labels_json'>;

/** Servers in the order of their names, after a place in it. Removed ones only when asked for; their names may repeat. */
export async function serversAfter(
  db: Db | Trx,
  options: {
    readonly after?: Pick<ServerRow, 'id' | 'name'> | undefined;
    readonly limit: number;
    readonly revoked: boolean;
  },
): Promise<ServerEntry[]> {
  const { after, limit } = options;
  let query = db
    .selectFrom('server')
    .select(['id', 'name', 'state', 'labels_json'])
    .where('state', options.revoked ? '=' : '<>', revoked);
  if (after !== undefined) query = query.where((q) => q(q.refTuple('name', 'id'), '>', q.tuple(after.name, after.id)));
  return query.orderBy('name').orderBy('id').limit(limit).execute();
}

/** The servers with these ids. */
export async function serversById(db: Db | Trx, ids: readonly string[]): Promise<ServerRow[]> {
  if (ids.length === 0) return [];
  return db.selectFrom('server').selectAll().where('id', 'in', ids).execute();
}

/** Every server under care, with no more than matching needs. */
export async function serverNames(db: Db | Trx) {
  return db.selectFrom('server').select(['id', 'name', 'facts_json']).where('state', '<>', revoked).execute();
}

/** Every enrolled server, with no more than watching needs. */
export async function watchedServers(db: Db | Trx) {
  return db
    .selectFrom('server')
    .select(['id', 'last_seen_at', 'thresholds_json'])
    .where('state', '=', 'enrolled')
    .execute();
}

/** What every server under care told of its own policy, in the order of their names. */
export async function policiesOfServers(db: Db | Trx) {
  return db
    .selectFrom('server')
    .select(['id', 'name', 'policy_json'])
    .where('state', '<>', revoked)
    .orderBy('name')
    .execute();
}

export async function namesOfServers(db: Db | Trx, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('server')
    .select(['id', 'name'])
    .where('id', 'in', [...ids])
    .execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** How many servers are in each stored state. */
export async function countServers(db: Db | Trx): Promise<Record<ServerTable['state'], number>> {
  const rows = await db
    .selectFrom('server')
    .select(['state', (count) => count.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  const of = (state: ServerTable['state']) => Number(rows.find((row) => row.state === state)?.count ?? 0);
  return { awaiting_agent: of('awaiting_agent'), enrolled: of('enrolled'), revoked: of('revoked') };
}

export async function insertServer(
  trx: Trx,
  server: { id: string; name: string; labels: Readonly<Record<string, string>>; at: number },
): Promise<void> {
  await trx
    .insertInto('server')
    .values({
      id: server.id,
      name: server.name,
      labels_json: JSON.stringify(server.labels),
      state: 'awaiting_agent',
      public_key: null,
      created_at: server.at,
      enrolled_at: null,
      last_seen_at: null,
      facts_json: null,
      policy_json: null,
      capabilities_json: '[]',
      agent_version: null,
      clock_offset_ms: null,
      thresholds_json: JSON.stringify(thresholdsSchema.parse({})),
      journal_head: null,
    })
    .execute();
}

/** Binds a key. A server that had another one begins anew: its outbox counts from the start again, its witness is another. */
export async function bindKey(trx: Trx, id: string, publicKey: string, at: number): Promise<void> {
  await trx
    .updateTable('server')
    .set({
      ...{ state: 'enrolled', public_key: publicKey, enrolled_at: at },
      ...{ witness_key: null, witness_json: null, contradiction_json: null },
    })
    .where('id', '=', id)
    .execute();
}

export async function saveReport(trx: Trx, id: string, report: ServerReport): Promise<void> {
  await trx
    .updateTable('server')
    .set({
      facts_json: JSON.stringify(report.facts),
      policy_json: JSON.stringify(report.policy),
      capabilities_json: JSON.stringify(report.capabilities),
      agent_version: report.agentVersion,
      journal_head: report.journalHead,
    })
    .where('id', '=', id)
    .execute();
}

/** Keeps what a server told of its own policy after its hello. */
export async function savePolicy(trx: Trx, id: string, policy: LocalPolicySummary): Promise<void> {
  await trx
    .updateTable('server')
    .set({ policy_json: JSON.stringify(policy) })
    .where('id', '=', id)
    .execute();
}

export async function saveThresholds(trx: Trx, id: string, thresholds: Thresholds): Promise<void> {
  await trx
    .updateTable('server')
    .set({ thresholds_json: JSON.stringify(thresholds) })
    .where('id', '=', id)
    .execute();
}

export async function saveRevoked(trx: Trx, id: string): Promise<void> {
  await trx.updateTable('server').set({ state: 'revoked' }).where('id', '=', id).execute();
}

/** The newest enrolment token of a server: until when it works, whether it was used or ended. */
export async function newestEnrolmentToken(db: Db | Trx, serverId: string) {
  return db
    .selectFrom('one_use_secret')
    .select(['created_at', 'expires_at', 'used_at'])
    .where('purpose', '=', 'enrolment')
    .where('subject_id', '=', serverId)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function enrolmentSteps(db: Db | Trx, serverId: string): Promise<EnrolmentStepRow[]> {
  return db.selectFrom('enrolment_step').selectAll().where('server_id', '=', serverId).orderBy('at').execute();
}

export async function saveEnrolmentStep(trx: Trx, step: EnrolmentStepRow): Promise<void> {
  await trx
    .insertInto('enrolment_step')
    .values(step)
    .onConflict((conflict) => conflict.columns(['server_id', 'step']).doUpdateSet({ at: step.at, note: step.note }))
    .execute();
}

export async function clearEnrolmentSteps(trx: Trx, serverId: string): Promise<void> {
  await trx.deleteFrom('enrolment_step').where('server_id', '=', serverId).execute();
}

/** The newest samples of a server, oldest first. `sample.at` is the time of the control plane. */
export async function newestSamples(db: Db | Trx, serverId: string, limit: number): Promise<StatusSample[]> {
  const rows = await db
    .selectFrom('server_sample')
    .select(['at', 'sample_json'])
    .where('server_id', '=', serverId)
    .orderBy('at', 'desc')
    .limit(limit)
    .execute();
  return rows.reverse().map(({ at, sample_json }) => ({ ...(JSON.parse(sample_json) as StatusSample), at }));
}

/** The newest sample of each of these servers, as {@link newestSamples} has it. */
export async function newestSampleOf(db: Db | Trx, serverIds: readonly string[]): Promise<Map<string, StatusSample>> {
  if (serverIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('server')
    .innerJoin('server_sample', 'server_sample.server_id', 'server.id')
    .select(['server.id', 'server_sample.at', 'server_sample.sample_json'])
    .where('server.id', 'in', serverIds)
    .where('server_sample.at', '=', (q) =>
      q
        .selectFrom('server_sample as newest')
        .select((of) => of.fn.max('newest.at').as('at'))
        .whereRef('newest.server_id', '=', 'server.id'),
    )
    .execute();
  return new Map(rows.map(({ id, at, sample_json }) => [id, { ...(JSON.parse(sample_json) as StatusSample), at }]));
}

const THIN_EVERY_MS = 15 * 60_000;

/**
 * Bounds the history of one server: nothing before `before`, and from `thinFrom` up to `thinBefore` only what fell into the
 * first minute of each quarter of an hour.
 */
export async function thinSamples(
  trx: Trx,
  serverId: string,
  limits: {
    readonly before: number;
    readonly thinFrom: number;
    readonly thinBefore: number;
    readonly minuteMs: number;
  },
): Promise<void> {
  const samples = trx.deleteFrom('server_sample').where('server_id', '=', serverId);
  await samples.where('at', '<', limits.before).execute();
  await samples
    .where('at', '>=', limits.thinFrom)
    .where('at', '<', limits.thinBefore)
    .where((q) => q(q('at', '%', q.lit(THIN_EVERY_MS)), '>=', limits.minuteMs))
    .execute();
}
