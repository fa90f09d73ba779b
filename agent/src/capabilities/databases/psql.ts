/**
 * PostgreSQL by way of psql as the user postgres of the system: by its local socket, never with a password. Sources: psql(1),
 * setpriv(1), "Peer Authentication" in the manual of PostgreSQL.
 */
import { fault } from '@countersign/protocol';
import type { z } from 'zod';
import { type Executed, howItEnded, saidBy } from '../../host/execution.ts';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';

/** Which cluster and database is meant. */
export interface Database {
  readonly port: number;
  readonly dbname: string;
}

/** Why PostgreSQL does not answer. `full`: it has no connection left. */
export interface Silence {
  readonly state: 'not_installed' | 'down' | 'full' | 'refused';
  readonly reason: string;
}
export type Answer<T> = { readonly state: 'answered'; readonly value: T } | Silence;

/**
 * Functions and operators are those of PostgreSQL itself: who may create some in a database, or set its search_path, would
 * else have his own run as the superuser. Source: CVE-2018-1058; autovacuum does the same.
 */
const OWN_NAMES = '-c search_path=pg_catalog';

/** What every psql needs in its environment. */
export const PSQL_ENVIRONMENT = { PGOPTIONS: OWN_NAMES, PGCONNECT_TIMEOUT: '4', PGAPPNAME: 'countersign' } as const;

/** Nothing is written by a reading, and none of them waits for long. */
const READING = {
  ...PSQL_ENVIRONMENT,
  PGOPTIONS: `${OWN_NAMES} -c statement_timeout=6000 -c lock_timeout=1000 -c default_transaction_read_only=on`,
};
const READ_MS = 8000;
const MAX_BYTES = 512 * 1024;

/** Exactly what is started: each statement is one of its own, in one session, and the first that fails ends it. */
export function psqlArgv({ port, dbname }: Database, statements: readonly string[]): string[] {
  return [
    ...['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'],
    ...['psql', '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-p', String(port), '-d', dbname],
    ...statements.flatMap((statement) => ['-c', statement]),
  ];
}

/** Asks one statement that gives one JSON value. Rejects with `capability_failed` when that is not what was asked for. */
export async function ask<S extends z.ZodType>(
  context: ObserveContext,
  database: Database,
  statement: string,
  schema: S,
): Promise<Answer<z.output<S>>> {
  const done = await context.exec({
    argv: psqlArgv(database, [statement]),
    env: READING,
    timeoutMs: READ_MS,
    maxBytes: MAX_BYTES,
    signal: context.signal,
  });
  if (done.exitCode !== 0) return silenceOf(done);
  const parsed = schema.safeParse(parsedJson(done.stdout));
  if (parsed.success) return { state: 'answered', value: parsed.data };
  throw fault('capability_failed', { capability: 'psql', reason: 'PostgreSQL answered something unexpected' });
}

/** As {@link ask}; what does not answer rejects with `capability_failed`. */
export async function askOrFail<S extends z.ZodType>(
  context: ObserveContext,
  database: Database,
  statement: string,
  schema: S,
): Promise<z.output<S>> {
  const answer = await ask(context, database, statement, schema);
  if (answer.state === 'answered') return answer.value;
  throw fault('capability_failed', { capability: 'psql', reason: answer.reason });
}

/** Puts a text into a statement. Source: "String Constants" in the manual; backslashes are themselves by default since 9.1. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Puts a name into a statement as it is stored. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Why a psql that failed did so. Its words are recognised, never passed on. */
export function silenceOf(done: Executed): Silence {
  const said = saidBy(done);
  if (done.notStarted === 'ENOENT' || (done.exitCode === 127 && /failed to execute/.test(said)))
    return { state: 'not_installed', reason: 'psql is not installed' };
  if (/unknown user|failed to parse re[ug]id/i.test(said))
    return { state: 'refused', reason: 'this system has no user postgres' };
  if (/setpriv:.*not permitted/i.test(said))
    return { state: 'refused', reason: 'only root can ask it as its own user' };
  if (/too many clients|remaining connection slots/i.test(said))
    return { state: 'full', reason: 'it has no connection left' };
  if (/No such file or directory|Connection refused/i.test(said))
    return { state: 'down', reason: 'nobody listens on its socket' };
  if (/(starting up|shutting down|not yet accepting|in recovery mode)/i.test(said))
    return { state: 'down', reason: 'it is starting up or shutting down' };
  if (/database ".*" does not exist/i.test(said)) return { state: 'refused', reason: 'there is no such database' };
  if (/no password supplied|authentication failed/i.test(said))
    return { state: 'refused', reason: 'it asks its own user for a password, and none is used' };
  if (/statement timeout|lock timeout/i.test(said)) return { state: 'refused', reason: 'it did not answer in time' };
  return { state: 'refused', reason: `psql ${howItEnded(done)}` };
}
