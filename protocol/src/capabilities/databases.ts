/** PostgreSQL and Redis. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, durationSchema, mutate, observe, sha256Schema, sizeSchema } from './capability.ts';

/** Name of a database. Fewer characters than PostgreSQL takes, so that none is read as a connection string. */
const dbname = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/, 'the name of a database')
  .describe('the name of a database');

/** A schema or table, as it is stored: without quotes. */
const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_$-]{0,62}$/, 'a name without quotes');

const port = (usual: number) => z.int().min(1).max(65_535).default(usual);
const postgresPort = port(5432).describe('which cluster, by its port');
const redisPort = port(6379).describe('which instance, by its port');

/** One session of PostgreSQL: a process id alone is used again, with the time of its start it names one for ever. */
const backend = {
  port: postgresPort,
  pid: z.int().min(1).max(4_194_304),
  backend_start: z
    .string()
    .regex(/^[0-9A-Za-z:.+-]{1,40}$/, 'a time such as 2026-11-20T15:01:02.123456Z')
    .describe('when the session began, in UTC with microseconds, as the diagnostic postgres gives it'),
};
const table = { port: postgresPort, dbname, schema: identifier.default('public'), table: identifier };

export const diagnostics = {
  postgres: observe(
    'PostgreSQL: connections, who blocks whom, idle transactions, replication, transaction ids, dead rows.',
    z.strictObject({ dbname: dbname.optional(), port: postgresPort }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  redis: observe(
    'Redis: memory against its limit, evictions, refused connections, persistence, slow commands.',
    z.strictObject({ port: redisPort }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'pg.session': observe(
    'One session of PostgreSQL.',
    z.strictObject({ ...backend, query_sha256: sha256Schema.optional() }),
    z.object({
      present: z.boolean(),
      state: z.string().describe('active, idle, idle in transaction, …; none when it is gone'),
      same_query: z.boolean().describe('whether it runs the query of this SHA-256'),
      blocks: z.int().describe('how many sessions wait for it'),
    }),
  ),
  'pg.blockers': observe(
    'Sessions of PostgreSQL that others wait for.',
    z.strictObject({ port: postgresPort }),
    z.object({
      idle: z.int().describe('sessions that do nothing in a transaction and are waited for'),
      waiting: z.int().describe('sessions that wait for a lock'),
    }),
  ),
  'pg.table': observe(
    'Dead rows of one table.',
    z.strictObject(table),
    z.object({ exists: z.boolean(), live_rows: z.int(), dead_rows: z.int(), vacuum_runs: z.boolean() }),
  ),
  'redis.state': observe(
    'Memory and persistence of Redis.',
    z.strictObject({ port: redisPort }),
    z.object({
      reachable: z.boolean(),
      run_id: z.string(),
      memory_percent: z.int().describe('used memory in percent of maxmemory; 0 where there is no limit'),
      evicted_keys: z.int(),
      persistence_ok: z.boolean(),
    }),
  ),
};

export const changes = {
  'pg.cancel': mutate(
    'Cancel the query that a session of PostgreSQL runs. Its transaction fails, the session stays.',
    'medium',
    z.strictObject({ ...backend, query_sha256: sha256Schema.describe('of the text of the query') }),
    { timeoutMs: 30_000 },
  ),
  'pg.terminate': mutate(
    'End a session of PostgreSQL that is idle in a transaction. The transaction is rolled back.',
    'medium',
    z.strictObject({ ...backend, min_age: durationSchema.describe('it must have been idle for so long') }),
    { timeoutMs: 30_000 },
  ),
  'pg.vacuum': mutate('Vacuum and analyze one table of PostgreSQL, never FULL.', 'medium', z.strictObject(table), {
    timeoutMs: 900_000,
  }),
  'redis.relieve': mutate(
    'Have Redis give free memory back, or raise its limit until its next start.',
    'medium',
    z.strictObject({
      port: redisPort,
      action: z.enum(['memory_purge', 'maxmemory']),
      maxmemory: sizeSchema.optional().describe('the new limit, for action maxmemory'),
    }),
    { undoable: true },
  ),
};
