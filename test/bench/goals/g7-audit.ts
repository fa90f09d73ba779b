/** G7: how fast the audit log takes entries that are on disk before they count. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { INDEXED_AT_ONCE } from '@countersign/control-plane/audit/audit-index.store';
import { appendEntry, whoIs } from '@countersign/control-plane/audit/ledger';
import { openDatabase, openSqlite } from '@countersign/control-plane/storage/database';
import { write } from '@countersign/control-plane/storage/write';
import { indexRows } from '../full-store.ts';
import { counted, type Goal } from '../goal.ts';
import { atLeast, judge } from '../judge.ts';
import { column, interleave } from '../rounds.ts';
import { perSecond } from '../statistics.ts';

const WRITERS = 100;
/**
 * Entries that both sides of the single writer take before they are measured. For the first 4,000 pages the log of SQLite grows, and
 * then it is written over, for as long as the control plane runs: a page that makes the file longer takes a sync half as long
 * again. The peer's file grows all the time, here as anywhere.
 */
const WARM = 4500;
/** With 100 writers both sides have a log of SQLite that grows and is written over at the same entries. */
const WARM_MANY = 50;

export const g7: Goal = {
  id: 'G7',
  asks: 'Durable audit entries, one after the other, at least 0.9 × as fast as JSON lines with fdatasync; with 100 writers at once at least 0.6 × as fast as SQLite with batches of 100.',
  measure: async (bench) => {
    const single = bench.count(3000, 300);
    const many = bench.count(20_000, 2000);
    const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-audit-'));
    try {
      const measured = await interleave({
        ours: async (round) => ({
          single: await ourAppends(join(folder, `ours-${round}.db`), single, 1, WARM),
          many: await ourAppends(join(folder, `ours-many-${round}.db`), many, WRITERS, WARM_MANY),
        }),
        jsonl: async (round) => ({ single: await jsonLines(join(folder, `log-${round}.jsonl`), single) }),
        sqlite: async (round) => ({ many: await batches(join(folder, `batch-${round}.db`), many) }),
      });
      return [
        judge({
          goal: 'G7',
          what: 'audit entries per second, one writer',
          unit: '/s',
          rounds: column(measured.ours, 'single'),
          peer: { name: 'JSON lines + fdatasync', rounds: column(measured.jsonl, 'single') },
          bound: atLeast(0.9),
          note: `${counted(single)} entries, each a transaction: SQLite WAL, synchronous FULL, hash chain; the peer writes the same bytes; both behind ${counted(WARM)} others`,
        }),
        judge({
          goal: 'G7',
          what: `audit entries per second, ${WRITERS} writers at once`,
          unit: '/s',
          rounds: column(measured.ours, 'many'),
          peer: { name: 'SQLite, batches of 100', rounds: column(measured.sqlite, 'many') },
          bound: atLeast(0.6),
          note: `${counted(many)} entries; the peer inserts the same rows without a chain, 100 in a transaction, and fills the same index behind them`,
        }),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const who = whoIs('system');

async function ourAppends(path: string, times: number, writers: number, warm: number): Promise<number> {
  const db = await openDatabase({ path });
  const append = (n: number) =>
    write(db, (trx) => appendEntry(trx, { event: 'server.disconnected', at: n, who, details: { why: 'bench' } }));
  try {
    for (let n = 0; n < warm; n += 1) await append(n);
    return await perSecond(times, writers, append);
  } finally {
    await db.destroy();
  }
}

/** What an entry looks like in the table, for the peers. */
const body = JSON.stringify({
  ...{ action: null, at: 1_795_000_000_000, details: { why: 'bench' }, event: 'server.disconnected' },
  ...{
    prev: 'a'.repeat(64),
    seq: 100_000,
    server: null,
    who: { by: 'system', client: null, ip: null, person: null, token: null },
  },
});
const hash = 'b'.repeat(64);

async function jsonLines(path: string, times: number): Promise<number> {
  const file = openSync(path, 'a');
  const line = Buffer.from(`{"entry":${body},"hash":"${hash}"}\n`);
  const append = async () => {
    writeSync(file, line);
    fdatasyncSync(file);
  };
  try {
    for (let n = 0; n < WARM; n += 1) await append();
    return await perSecond(times, 1, append);
  } finally {
    closeSync(file);
  }
}

async function batches(path: string, times: number): Promise<number> {
  await (await openDatabase({ path })).destroy(); // makes the same tables, with their indexes
  const sqlite = openSqlite(path);
  const run = (sql: string, values: readonly unknown[] = []) => sqlite.prepare(sql).run(values);
  const insert =
    'insert into audit_entry (seq, at, event, server_id, action_id, person_id, body, hash) values (?, ?, ?, ?, ?, ?, ?, ?)';
  try {
    const perSecondOfBatches = await perSecond(times / WRITERS, 1, async (batch) => {
      run('begin immediate');
      for (let n = 0; n < WRITERS; n += 1)
        run(insert, [batch * WRITERS + n + 1, n, 'server.disconnected', null, null, null, body, hash]);
      if (((batch + 1) * WRITERS) % INDEXED_AT_ONCE === 0) indexRows(sqlite); // as often as ours
      run('commit');
    });
    return perSecondOfBatches * WRITERS;
  } finally {
    sqlite.close();
  }
}
