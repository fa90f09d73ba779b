/**
 * Fills the store of a control plane that is not running with many servers, actions and audit entries. What one real action left is
 * copied under other names inside SQLite, through the product's own schema with its indexes and foreign keys; audit entries are
 * chained with real hashes, so that the product's own verification takes them.
 */
import { hash as hashOf } from 'node:crypto';
import { join } from 'node:path';
import { openSqlite, type Sqlite } from '@countersign/control-plane/storage/database';
import { canonicalJson, type Json } from '@countersign/protocol';

export interface StoreSizes {
  readonly servers: number;
  readonly actions: number;
  readonly entries: number;
}

/** Actions that still wait for a human, of all. */
export const WAITING = 200;

export const storePath = (dataDir: string): string => join(dataDir, 'countersign.db');

/** Status samples that each server has. */
const SAMPLES = 20;

/** Speed of the filling alone: nothing to go back to, nothing synced, sorting in memory by two threads. Whoever opens the store later sets its own. */
const QUICKLY = [
  ...['journal_mode = OFF', 'synchronous = OFF', 'locking_mode = EXCLUSIVE', 'foreign_keys = OFF'],
  ...['cache_size = -400000', 'temp_store = MEMORY', 'threads = 2'],
];

/**
 * Fills the store below a data folder. It must hold one server with one action that succeeded. Indexes are taken away and made
 * again, as their schema has them, when the rows are there: sorting them at once is several times faster than one by one. A run that is cut
 * off leaves no store that could be used.
 */
export function fillStore(dataDir: string, sizes: StoreSizes): void {
  const sqlite = openSqlite(storePath(dataDir));
  try {
    setPragma(sqlite, 'wal_checkpoint(truncate)');
    for (const pragma of QUICKLY) setPragma(sqlite, pragma);
    const indexes = takeIndexes(sqlite);
    inTransaction(sqlite, () => fillServers(sqlite, sizes));
    inTransaction(sqlite, () => fillActions(sqlite, sizes));
    inTransaction(sqlite, () => fillAlerts(sqlite, sizes));
    fillEntries(sqlite, sizes);
    for (const index of indexes) sqlite.prepare(index).run([]);
    setPragma(sqlite, 'journal_mode = WAL');
  } finally {
    sqlite.close();
  }
}

/** Takes away the indexes that can be made again; returns how. */
function takeIndexes(sqlite: Sqlite): string[] {
  const tables = "'action', 'action_history', 'timeline_entry', 'alert', 'audit_index'";
  const query = `select name, sql from sqlite_schema where type = 'index' and sql is not null and tbl_name in (${tables})`;
  const indexes = sqlite.prepare(query).all([]) as { name: string; sql: string }[];
  for (const { name } of indexes) sqlite.prepare(`drop index "${name}"`).run([]);
  return indexes.map(({ sql }) => sql);
}

/** Some pragmas answer with what they set, others with nothing. */
function setPragma(sqlite: Sqlite, pragma: string): void {
  const statement = sqlite.prepare(`pragma ${pragma}`);
  if (statement.reader) statement.all([]);
  else statement.run([]);
}

function inTransaction(sqlite: Sqlite, work: () => void): void {
  sqlite.prepare('begin immediate').run([]);
  work();
  sqlite.prepare('commit').run([]);
}

/** Copies the one row that `from` selects so many times; `set` gives SQL for the columns that differ, over the number `copy`. */
function copyRows(
  sqlite: Sqlite,
  table: string,
  {
    from,
    count,
    set,
  }: { readonly from: string; readonly count: number; readonly set: Readonly<Record<string, string>> },
): void {
  const rows = sqlite.prepare(`select name from pragma_table_info('${table}')`).all([]) as { name: string }[];
  const columns = rows.map(({ name }) => name).filter((name) => set[name] !== '');
  const values = columns.map((name) => set[name] ?? `t."${name}"`);
  sqlite
    .prepare(
      `insert into ${table} (${columns.map((name) => `"${name}"`).join(', ')})
       with recursive many(copy) as (select 1 union all select copy + 1 from many where copy < ?)
       select ${values.join(', ')} from many, (${from}) as t`,
    )
    .run([count]);
}

function fillServers(sqlite: Sqlite, { servers }: StoreSizes): void {
  copyRows(sqlite, 'server', {
    from: 'select * from server limit 1',
    count: servers,
    set: {
      id: "printf('srv_%012d', copy)",
      name: "printf('fill-%06d', copy)",
      public_key: "t.public_key || 'x' || copy",
      witness_key: 'null',
      witness_json: 'null',
    },
  });
  copyRows(sqlite, 'server_sample', {
    from: 'select * from server_sample limit 1',
    count: servers * SAMPLES,
    set: { server_id: `printf('srv_%012d', 1 + (copy - 1) / ${SAMPLES})`, at: `t.at - 60000 * (copy % ${SAMPLES})` },
  });
}

/** One alert for every ten actions; about a hundred of them fire. */
function fillAlerts(sqlite: Sqlite, { servers, actions }: StoreSizes): void {
  const firing = `copy % ${Math.max(1, Math.floor(actions / 1000))} = 0`;
  const at = Date.now() - actions * 1000;
  sqlite
    .prepare(
      `insert into alert (id, server_id, dedupe_key, state, severity, source, kind, title, labels_json, first_at, last_at, resolved_at, times)
       with recursive many(copy) as (select 1 union all select copy + 1 from many where copy < ?)
       select printf('alr_%012d', copy), printf('srv_%012d', 1 + copy % ${servers}), 'fill ' || copy, iif(${firing}, 'firing', 'resolved'),
         'warning', 'agent', 'disk', 'A disk is nearly full', '{"mount":"/var"}', ? + copy * 1000, ? + copy * 1000,
         iif(${firing}, null, ? + copy * 1000), 1
       from many`,
    )
    .run([Math.ceil(actions / 10), at, at, at]);
}

function fillActions(sqlite: Sqlite, { servers, actions }: StoreSizes): void {
  const query = "select id from action where state = 'succeeded' order by created_at limit 1";
  const [real] = sqlite.prepare(query).all([]) as { id: string }[];
  if (real === undefined) throw new Error('the store has no action that succeeded to copy');
  const id = "printf('act_%012d', copy)";
  const server = `printf('srv_%012d', 1 + copy % ${servers})`;
  // One action every five seconds, the last one at the time of the real one.
  const at = (column: string) => `${column} - (${actions} - copy) * 5000`;
  const times = ['created_at', 'start_by', 'dispatched_at', 'started_at', 'finished_at'];
  copyRows(sqlite, 'action', {
    from: `select * from action where id = '${real.id}'`,
    count: actions,
    set: {
      ...{ id, server_id: server, request_key: 't.request_key || copy' },
      ...Object.fromEntries(times.map((column) => [column, at(`t."${column}"`)])),
    },
  });
  const history = `select h.* from action_history h where h.action_id = '${real.id}'`;
  copyRows(sqlite, 'action_history', { from: history, count: actions, set: { action_id: id, at: at('t.at') } });
  const line = `select e.* from timeline_entry e where e.action_id = '${real.id}' limit 1`;
  // Its number is counted by the database.
  const own = { id: '', at: at('t.at'), server_id: server, action_id: id };
  copyRows(sqlite, 'timeline_entry', { from: line, count: actions, set: own });
  waitAgain(sqlite, actions);
}

/** The newest of the copies wait for a human, as they do in an inbox. */
function waitAgain(sqlite: Sqlite, actions: number): void {
  const newest = `printf('act_%012d', ${Math.max(0, actions - WAITING)})`;
  const copies = `id > ${newest} and id like 'act_0%'`;
  const inADay = Date.now() + 86_400_000;
  sqlite
    .prepare(
      `update action set state = 'awaiting_approval', decide_by = ?, start_by = null, dispatched_at = null, started_at = null,
       finished_at = null, result_json = null, current_step_json = null where ${copies}`,
    )
    .run([inADay]);
  sqlite
    .prepare(`delete from action_history where n > 1 and action_id > ${newest} and action_id like 'act_0%'`)
    .run([]);
}

interface Link {
  seq: number;
  hash: string;
}

const ENTRIES_AT_ONCE = 100_000;
/** Rows that one statement inserts: each call into SQLite costs about as much as a row. */
const ROWS_AT_ONCE = 20;

function fillEntries(sqlite: Sqlite, { servers, actions, entries }: StoreSizes): void {
  const query = 'select seq, hash, at, event, person_id, body from audit_entry where action_id is not null limit 1';
  const [model] = sqlite.prepare(query).all([]) as { at: number; event: string; person_id: string; body: string }[];
  if (model === undefined) throw new Error('the store has no audit entry of an action to copy');
  const [last] = sqlite.prepare('select seq, hash from audit_entry order by seq desc limit 1').all([]) as Link[];
  let link: Link = last ?? { seq: 0, hash: '0'.repeat(64) };
  const write = entryWriter(JSON.parse(model.body));
  const rowOf = (n: number) => {
    const seq = link.seq + 1;
    const server = `srv_${String(1 + (n % servers)).padStart(12, '0')}`;
    const action = `act_${String(1 + (n % actions)).padStart(12, '0')}`;
    const body = write({ seq, at: model.at + n, prev: link.hash, server, action });
    link = { seq, hash: hashOf('sha256', body) };
    return [seq, model.at + n, model.event, server, action, model.person_id, body, link.hash];
  };
  for (let done = 0; done < entries; done += ENTRIES_AT_ONCE)
    inTransaction(sqlite, () => {
      const end = Math.min(entries, done + ENTRIES_AT_ONCE);
      for (let n = done; n < end; n += ROWS_AT_ONCE)
        insertRows(
          sqlite,
          Array.from({ length: Math.min(ROWS_AT_ONCE, end - n) }, (_, more) => rowOf(n + more)),
        );
      indexRows(sqlite);
    });
}

function insertRows(sqlite: Sqlite, rows: readonly (readonly unknown[])[]): void {
  const places = Array(rows.length).fill('(?, ?, ?, ?, ?, ?, ?, ?)').join(', ');
  const columns = 'seq, at, event, server_id, action_id, person_id, body, hash';
  sqlite.prepare(`insert into audit_entry (${columns}) values ${places}`).run(rows.flat());
}

/** What the product does a thousand entries behind its log. */
export function indexRows(sqlite: Sqlite): void {
  sqlite
    .prepare(
      `insert into audit_index (seq, at, event, server_id, action_id)
       select seq, at, event, server_id, action_id from audit_entry
       where seq > (select coalesce(max(seq), 0) from audit_index) order by seq`,
    )
    .run([]);
}

type Varied = 'seq' | 'at' | 'prev' | 'server' | 'action';

/** Writes the canonical JSON of an entry that differs from a model in a few members only, without sorting them anew each time. */
export function entryWriter(model: Record<string, Json>): (values: Record<Varied, string | number>) => string {
  const marks: Record<Varied, string> = { seq: '@seq', at: '@at', prev: '@prev', server: '@server', action: '@action' };
  const parts = canonicalJson({ ...model, ...marks }).split(/"@(seq|at|prev|server|action)"/);
  return (values) => parts.map((part, n) => (n % 2 === 0 ? part : JSON.stringify(values[part as Varied]))).join('');
}
