/** Probes of sessions and tables of PostgreSQL, and what the changes to them rest on. */
import type { ParametersOf, ResultOf } from '@countersign/protocol';
import { z } from 'zod';
import type { ObserveContext, Observer } from '../capability.ts';
import { IDLE_IN_TRANSACTION, QUERY_SHA256 } from './postgres-reading.ts';
import { askOrFail, quoteName, quoteText } from './psql.ts';

const sessionSchema = z.object({
  usename: z.string().nullable(),
  datname: z.string().nullable(),
  type: z.string(),
  state: z.string().nullable(),
  state_s: z.number().nullable(),
  query_s: z.number().nullable(),
  query: z.string().nullable(),
  query_sha256: z.string().nullable(),
  blocks: z.int(),
});
/** One session as it is now. Times in seconds. */
export type SessionNow = z.infer<typeof sessionSchema>;

/** Sessions are told apart by the microsecond of their start. */
const EXACT_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** The condition that names one session, whoever has its pid by then. */
export function isSession({
  pid,
  backend_start: start,
}: {
  readonly pid: number;
  readonly backend_start: string;
}): string {
  return `pid = ${pid} AND backend_start = ${quoteText(start)}::timestamptz`;
}

/** `null` when it is gone. Rejects with `capability_failed` when PostgreSQL does not answer. */
export async function readSession(
  context: ObserveContext,
  parameters: Pick<ParametersOf<'pg.session'>, 'port' | 'pid' | 'backend_start'>,
): Promise<SessionNow | null> {
  if (!EXACT_TIME.test(parameters.backend_start)) return null;
  const statement = `SELECT coalesce((SELECT to_jsonb(x) FROM (SELECT usename, datname, backend_type AS type, state,
extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_s,
extract(epoch FROM clock_timestamp() - query_start)::float8 AS query_s,
left(query, 1000) AS query, ${QUERY_SHA256} AS query_sha256,
(SELECT count(*) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND s.pid = ANY (pg_blocking_pids(w.pid)))::int AS blocks
FROM pg_stat_activity s WHERE ${isSession(parameters)}) x), 'null')`;
  const database = { port: parameters.port, dbname: 'postgres' };
  return askOrFail(context, database, statement, sessionSchema.nullable());
}

export const pgSession: Observer<'pg.session'> = async (parameters, context) => {
  const session = await readSession(context, parameters);
  if (session === null) return { present: false, state: 'none', same_query: false, blocks: 0 };
  const runs = session.state === 'active' && session.query_sha256 === parameters.query_sha256;
  return { present: true, state: session.state ?? 'none', same_query: runs, blocks: session.blocks };
};

export const pgBlockers: Observer<'pg.blockers'> = async ({ port }, context) => {
  const statement = `WITH waits AS (SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_stat_activity WHERE wait_event_type = 'Lock')
SELECT jsonb_build_object('waiting', (SELECT count(*) FROM waits), 'idle', (SELECT count(*) FROM pg_stat_activity
WHERE ${IDLE_IN_TRANSACTION} AND pid IN (SELECT unnest(blockers) FROM waits)))`;
  return askOrFail(context, { port, dbname: 'postgres' }, statement, z.object({ idle: z.int(), waiting: z.int() }));
};

const tableSchema = z.object({
  live_rows: z.int(),
  dead_rows: z.int(),
  bytes: z.int(),
  vacuum_runs: z.boolean(),
  oid: z.int(),
});
export type TableNow = z.infer<typeof tableSchema>;

/** `null` when there is no such table. */
export async function readTable(
  context: ObserveContext,
  { port, dbname, schema, table }: ParametersOf<'pg.table'>,
): Promise<TableNow | null> {
  const statement = `SELECT coalesce((SELECT to_jsonb(x) FROM (SELECT n_live_tup AS live_rows, n_dead_tup AS dead_rows,
(SELECT relpages::int8 * current_setting('block_size')::int8 FROM pg_class WHERE oid = relid) AS bytes, relid::int8 AS oid,
EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.relid = t.relid AND v.datname = current_database()) AS vacuum_runs
FROM pg_stat_user_tables t WHERE schemaname = ${quoteText(schema)} AND relname = ${quoteText(table)}) x), 'null')`;
  return askOrFail(context, { port, dbname }, statement, tableSchema.nullable());
}

export const pgTable: Observer<'pg.table'> = async (parameters, context): Promise<ResultOf<'pg.table'>> => {
  const found = await readTable(context, parameters);
  if (found === null) return { exists: false, live_rows: 0, dead_rows: 0, vacuum_runs: false };
  const { live_rows, dead_rows, vacuum_runs } = found;
  return { exists: true, live_rows, dead_rows, vacuum_runs };
};

/** A table as a statement names it. */
export function tableName({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}
