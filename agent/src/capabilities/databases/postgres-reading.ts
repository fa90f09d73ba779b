/** What the diagnostic asks PostgreSQL for. Source: "Monitoring Database Activity" in its manual; from version 10 on. */
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { type Answer, ask } from './psql.ts';

const QUERY_CHARACTERS = 1000;

/** When a session began, exactly: with its pid it names one session for ever. */
export const BACKEND_START = `to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
/** Of its bytes: a session of a database without an encoding may say what is no text, and no conversion takes that. */
export const QUERY_SHA256 = `encode(sha256(textsend(query)), 'hex')`;
export const IDLE_IN_TRANSACTION = `state IN ('idle in transaction', 'idle in transaction (aborted)')`;

const list = <S extends z.ZodType>(schema: S) =>
  z
    .array(schema)
    .nullable()
    .transform((rows) => rows ?? []);
const seconds = z
  .number()
  .nullable()
  .transform((value) => Math.max(0, value ?? 0));
const text = z
  .string()
  .nullable()
  .transform((value) => value ?? '');

const sessionSchema = z.object({
  pid: z.int(),
  backend_start: text,
  type: text,
  datname: text,
  usename: text,
  application: text,
  client: text,
  state: text,
  state_s: seconds,
  query_s: seconds,
  query: text,
  query_sha256: z.string(),
});
/** One session. Times in seconds; `query` is cut at 1000 characters and not masked yet. */
export type Session = z.output<typeof sessionSchema>;

const readingSchema = z.object({
  version: z.string(),
  recovery: z.boolean(),
  max_connections: z.int(),
  clients: z.int(),
  groups: list(z.object({ datname: text, usename: text, application: text, state: text, n: z.int() })),
  waits: list(z.object({ pid: z.int(), blocker: z.int() })),
  sessions: list(sessionSchema),
  replicas: list(z.object({ name: text, client: text, state: text, lag_s: seconds, lag_bytes: seconds })),
  slots: list(z.object({ name: z.string(), active: z.boolean(), kept_bytes: seconds })),
  replay_s: seconds,
  databases: list(z.object({ datname: z.string(), age: z.int() })),
});
export type Reading = z.output<typeof readingSchema>;

const tableSchema = z.object({
  schema: z.string(),
  table: z.string(),
  live_rows: z.int(),
  dead_rows: z.int(),
  vacuumed_at: z.string().nullable(),
});
export type Table = z.output<typeof tableSchema>;

const since = (column: string) => `extract(epoch FROM clock_timestamp() - ${column})::float8`;
const rows = (query: string) => `(SELECT jsonb_agg(to_jsonb(x)) FROM (${query}) x)`;
const WAL = 'CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END';

const READING = `SELECT jsonb_build_object(
'version', current_setting('server_version'), 'recovery', pg_is_in_recovery(),
'max_connections', current_setting('max_connections')::int,
'clients', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
'groups', ${rows(`SELECT datname, usename, application_name AS application, state, count(*) AS n FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 15`)},
'waits', (SELECT jsonb_agg(to_jsonb(x)) FROM waits x),
'sessions', ${rows(`SELECT pid, ${BACKEND_START} AS backend_start, backend_type AS type, datname, usename,
  application_name AS application, coalesce(host(client_addr), 'local') AS client, state,
  ${since('state_change')} AS state_s, ${since('query_start')} AS query_s,
  left(query, ${QUERY_CHARACTERS}) AS query, ${QUERY_SHA256} AS query_sha256
  FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (pid IN (SELECT blocker FROM waits) OR (backend_type = 'client backend'
  AND ((${IDLE_IN_TRANSACTION}) OR (state = 'active' AND query_start < clock_timestamp() - interval '60 s'))))
  ORDER BY xact_start NULLS LAST LIMIT 60`)},
'replicas', ${rows(`SELECT application_name AS name, coalesce(host(client_addr), 'local') AS client, state,
  extract(epoch FROM replay_lag)::float8 AS lag_s, pg_wal_lsn_diff(${WAL}, replay_lsn)::float8 AS lag_bytes FROM pg_stat_replication LIMIT 20`)},
'slots', ${rows(`SELECT slot_name AS name, active, pg_wal_lsn_diff(${WAL}, restart_lsn)::float8 AS kept_bytes FROM pg_replication_slots LIMIT 20`)},
'replay_s', CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
  THEN ${since('pg_last_xact_replay_timestamp()')} END,
'databases', ${rows(`SELECT d.datname, age(d.datfrozenxid) AS age FROM pg_database d LEFT JOIN pg_stat_database s ON s.datid = d.oid
  WHERE d.datallowconn AND NOT d.datistemplate ORDER BY s.tup_updated + s.tup_deleted DESC NULLS LAST LIMIT 50`)})`;

const WAITS = `WITH waits AS (SELECT pid, unnest(pg_blocking_pids(pid)) AS blocker FROM pg_stat_activity
WHERE wait_event_type = 'Lock' LIMIT 200)`;

const TABLES = `SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM (SELECT schemaname AS schema, relname AS table, n_live_tup AS live_rows,
n_dead_tup AS dead_rows, greatest(last_vacuum, last_autovacuum) AS vacuumed_at FROM pg_stat_user_tables
WHERE n_dead_tup >= 1000 ORDER BY n_dead_tup DESC LIMIT 10) x`;

/** All of a cluster in one look. */
export function readCluster(context: ObserveContext, port: number, dbname: string): Promise<Answer<Reading>> {
  return ask(context, { port, dbname }, `${WAITS} ${READING}`, readingSchema);
}

/** Tables of one database with the most dead rows. */
export function readTables(context: ObserveContext, port: number, dbname: string): Promise<Answer<Table[]>> {
  return ask(context, { port, dbname }, TABLES, z.array(tableSchema));
}
