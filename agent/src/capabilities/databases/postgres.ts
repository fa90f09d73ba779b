import { capability, type Suggestion } from '@countersign/protocol';
import { namesIn } from '../../host/look.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayBytes, sayDuration, sayRatio } from '../report.ts';
import { readUnitState } from '../units/unit-state.ts';
import { type Reading, readCluster, readTables, type Table } from './postgres-reading.ts';
import { lookAtSessions, portIfOther, terminateIdle } from './postgres-sessions.ts';
import type { Silence } from './psql.ts';

const CLUSTERS = '/etc/postgresql';
const CONNECTIONS_MANY = 0.8;
const CONNECTIONS_FULL = 0.95;
const LAG_S = 30;
const LAG_BYTES = 128 * 1024 ** 2;
const SLOT_BYTES = 1024 ** 3;
/** At about 2.1 thousand million PostgreSQL takes no more writes; it vacuums by force from 200 million on. */
const XID_HIGH = 1_000_000_000;
const XID_MAX = 1_600_000_000;
const DEAD_ROWS = 10_000;
const DEAD_RATIO = 0.2;
const DATABASES_MAX = 5;

/** Connections, locks, idle transactions, replication, transaction ids and dead rows of one cluster. */
export const postgres: Observer<'postgres'> = async ({ dbname, port }, context) => {
  const report = new Report(context);
  const answer = await readCluster(context, port, dbname ?? 'postgres');
  report.figure('answers', answer.state === 'answered');
  if (answer.state !== 'answered') {
    await addSilence(report, context, answer, port);
    return report.finish();
  }
  const reading = answer.value;
  addFigures(report, reading);
  lookAtConnections(report, reading, port);
  lookAtSessions(report, reading, port);
  lookAtReplication(report, reading);
  lookAtTransactionIds(report, reading);
  await lookAtTables(report, context, port, dbname === undefined ? busiest(report, reading) : [dbname]);
  if (report.isCalm)
    report.add({
      kind: 'postgres.calm',
      severity: 'ok',
      title: `PostgreSQL ${reading.version} answers: ${reading.clients} of ${reading.max_connections} connections, nobody waits.`,
    });
  return report.finish();
};

async function addSilence(report: Report, context: ObserveContext, silence: Silence, port: number): Promise<void> {
  if (silence.state === 'not_installed') {
    report.add({ kind: 'postgres.not_installed', severity: 'info', title: 'psql is not installed on this server.' });
    return;
  }
  if (silence.state === 'full') {
    report.add({
      kind: 'postgres.full',
      severity: 'critical',
      title: `PostgreSQL on port ${port} has no connection left, not even the ones kept for its superuser.`,
      causes: ['An application opens connections and keeps them.', 'max_connections is too small for what connects.'],
    });
    return;
  }
  if (silence.state === 'refused') {
    report.blind(`PostgreSQL on port ${port}`, silence.reason);
    return;
  }
  report.add({
    kind: 'postgres.down',
    severity: 'critical',
    title: `PostgreSQL does not answer on port ${port}: ${silence.reason}.`,
    causes: ['It was stopped, or could not start: see its unit with the diagnostic service.', 'Its disk is full.'],
    suggestions: await startOf(report, context),
  });
}

/** The one cluster of this server that does not run, by the names that Debian gives. */
async function startOf(report: Report, context: ObserveContext): Promise<Suggestion[]> {
  const units = (namesIn(CLUSTERS) ?? []).flatMap((version) =>
    (namesIn(`${CLUSTERS}/${version}`) ?? []).map((name) => `postgresql@${version}-${name}.service`),
  );
  const [unit, ...others] = units;
  if (unit === undefined || others.length > 0) return [];
  const state = await orBlind(report, `The state of ${unit}`, () => readUnitState(context, unit));
  if (state === null || !state.exists || state.activeState === 'active') return [];
  return [{ playbook: 'service.restart', parameters: { unit }, why: `${unit} is ${state.activeState}.` }];
}

function addFigures(report: Report, { version, recovery, clients, max_connections: max, waits }: Reading): void {
  report.figure('version', version);
  report.figure('standby', recovery);
  report.figure('connections', clients);
  report.figure('max_connections', max);
  report.figure('waiting', new Set(waits.map(({ pid }) => pid)).size);
}

function lookAtConnections(report: Report, reading: Reading, port: number): void {
  const { clients, max_connections: max, groups, sessions } = reading;
  const ratio = clients / max;
  if (ratio < CONNECTIONS_MANY) return;
  const idle = sessions.find(({ state, state_s: age }) => state.startsWith('idle in transaction') && age >= 60);
  report.add({
    kind: 'postgres.connections',
    severity: ratio >= CONNECTIONS_FULL ? 'critical' : 'warning',
    title: `${clients} of ${max} connections of PostgreSQL are taken (${sayRatio(ratio)}).`,
    evidence: [
      [
        'pg_stat_activity, by who and state',
        groups.map((it) => `${it.n}  ${it.datname}  ${it.usename}  ${it.application}  ${it.state}`).join('\n'),
      ],
    ],
    causes: ['An application opens connections and keeps them.', 'Sessions wait for a lock and pile up.'],
    suggestions: idle === undefined ? [] : [terminateIdle(idle, port)],
  });
}

function lookAtReplication(report: Report, { replicas, slots, replay_s: replay, recovery }: Reading): void {
  if (recovery && replay >= LAG_S)
    report.add({
      kind: 'postgres.standby_lag',
      severity: replay >= LAG_S * 10 ? 'critical' : 'warning',
      title: `This standby is ${sayDuration(replay * 1000)} behind in what it has replayed.`,
      causes: ['A long query on the standby holds it up.', 'Its disk is slower than that of the primary.'],
    });
  for (const { name, client, state, lag_s: lag, lag_bytes: bytes } of replicas)
    if (lag >= LAG_S || bytes >= LAG_BYTES)
      report.add({
        kind: 'postgres.replication_lag',
        severity: 'warning',
        title: `Standby ${name} (${client}, ${state}) is ${sayBytes(bytes)} and ${sayDuration(lag * 1000)} behind.`,
      });
  for (const { name, active, kept_bytes: bytes } of slots)
    if (!active && bytes >= SLOT_BYTES)
      report.add({
        kind: 'postgres.slot_keeps_wal',
        severity: 'critical',
        title: `Replication slot ${name} is used by nobody and keeps ${sayBytes(bytes)} of WAL on the disk.`,
        causes: ['The standby or subscriber of this slot is gone. Dropping the slot frees the room.'],
      });
}

function lookAtTransactionIds(report: Report, { databases }: Reading): void {
  const oldest = databases.toSorted((a, b) => b.age - a.age)[0];
  if (oldest === undefined) return;
  report.figure('oldest_transaction_age', oldest.age);
  if (oldest.age < XID_HIGH) return;
  report.add({
    kind: 'postgres.transaction_ids',
    severity: oldest.age >= XID_MAX ? 'critical' : 'warning',
    title: `Database ${oldest.datname} has not been frozen for ${Math.round(oldest.age / 1e6)} million transactions; at 2,100 million PostgreSQL takes no more writes.`,
    causes: ['Vacuum is held up by an old transaction, a prepared one or a replication slot.', 'Autovacuum is off.'],
  });
}

/** The databases in which most was changed, by names that can be asked for. */
function busiest(report: Report, { databases }: Reading): string[] {
  const named = databases
    .map(({ datname }) => datname)
    .filter((name) => /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/.test(name));
  if (named.length > DATABASES_MAX) report.cut();
  return named.slice(0, DATABASES_MAX);
}

async function lookAtTables(
  report: Report,
  context: ObserveContext,
  port: number,
  databases: readonly string[],
): Promise<void> {
  const answers = await Promise.all(
    databases.map(async (dbname) => ({
      dbname,
      tables: await orBlind(report, `Tables of ${dbname}`, () => readTables(context, port, dbname)),
    })),
  );
  for (const { dbname, tables } of answers) {
    if (tables === null) continue;
    if (tables.state !== 'answered') report.blind(`Tables of ${dbname}`, tables.reason);
    else for (const table of tables.value.filter(isBloated).slice(0, 3)) addDeadRows(report, table, { dbname, port });
  }
}

function isBloated({ live_rows: live, dead_rows: dead }: Table): boolean {
  return dead >= DEAD_ROWS && dead / (live + dead) >= DEAD_RATIO;
}

function addDeadRows(
  report: Report,
  { schema, table, live_rows: live, dead_rows: dead, vacuumed_at: at }: Table,
  { dbname, port }: { readonly dbname: string; readonly port: number },
): void {
  const parameters = { dbname, schema, table, dead_rows_at_most: Math.floor(dead / 2), ...portIfOther(port) };
  report.add({
    kind: 'postgres.dead_rows',
    severity: 'warning',
    title: `${sayRatio(dead / (live + dead))} of ${schema}.${table} in ${dbname} are dead rows: ${count(dead, 'row')}.`,
    evidence: [['pg_stat_user_tables', `live ${live}, dead ${dead}, last vacuum ${at ?? 'never'}`]],
    causes: ['Autovacuum is off for it or comes too seldom.', 'An old transaction keeps dead rows from being removed.'],
    // Names are chosen by whoever makes tables: others than the playbook takes are offered to nobody.
    suggestions: capability('pg.vacuum').parameters.safeParse({ port, dbname, schema, table }).success
      ? [{ playbook: 'pg.vacuum_analyze', parameters, why: 'A plain vacuum frees dead rows and locks nobody out.' }]
      : [],
  });
}
