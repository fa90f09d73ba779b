/** G12: a store of years: checking the audit log, and the queries behind the pages. The product's own functions, on a store filled by us. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listActions } from '@countersign/control-plane/actions/list-actions';
import { newestEntries } from '@countersign/control-plane/audit/audit-index.store';
import { verifyLedger } from '@countersign/control-plane/audit/verify-ledger';
import { listServers } from '@countersign/control-plane/fleet/list-servers';
import { alertOperations } from '@countersign/control-plane/operations/alert-operations';
import { overviewOperations } from '@countersign/control-plane/operations/overview-operations';
import { timelineOperations } from '@countersign/control-plane/operations/timeline-operations';
import { type Db, openDatabase } from '@countersign/control-plane/storage/database';
import { systemClock } from '@countersign/protocol';
import { publicKeyOf } from '@countersign/protocol/signing';
import { fillStore, storePath } from '../full-store.ts';
import { type Bench, counted, type Goal } from '../goal.ts';
import { atLeast, atMost, judge, type Row } from '../judge.ts';
import { column, interleave, type Readings } from '../rounds.ts';
import { runThrough, startScene } from '../scene.ts';
import { percentile, timings } from '../statistics.ts';

export const g12: Goal = {
  id: 'G12',
  asks: '`audit verify` reads at least 150,000 entries per second; the newest 100 of 10 million entries come within 20 ms (p99); so do the queries of inbox, servers and timeline with 20,000 servers and 1 million actions.',
  measure: async (bench) => {
    const sizes = {
      servers: bench.count(20_000, 1000),
      actions: bench.count(1_000_000, 20_000),
      entries: bench.count(10_000_000, 100_000),
    };
    await using scene = await startScene();
    await runThrough(scene.assistant, scene.agent.name, ['true']);
    await scene.agent.stop();
    await scene.world.halt('SIGTERM');
    const { dataDir } = scene.world;
    const seed = (await readFile(join(dataDir, 'keys/control-plane.key'), 'utf8')).trim();
    bench.say(`filling a store: ${counted(sizes.entries)} audit entries, ${counted(sizes.actions)} actions`);
    fillStore(dataDir, sizes);
    const db = await openDatabase({ path: storePath(dataDir) });
    try {
      const note = `${counted(sizes.servers)} servers, ${counted(sizes.actions)} actions, ${counted(sizes.entries)} audit entries`;
      return [await verification(db, publicKeyOf(seed)), ...(await queries(bench, db, note))];
    } finally {
      await db.destroy();
    }
  },
};

async function verification(db: Db, publicKey: string): Promise<Row> {
  let entries = 0;
  const { ours } = await interleave({
    ours: async () => {
      const began = performance.now();
      const verdict = await verifyLedger({ db, publicKey });
      if (!verdict.ok) throw new Error(`the log is broken: ${JSON.stringify(verdict.problems.slice(0, 3))}`);
      entries = verdict.entries;
      return { perSecond: (verdict.entries / (performance.now() - began)) * 1000 };
    },
  });
  return judge({
    goal: 'G12',
    what: '`audit verify`, entries per second',
    unit: '/s',
    rounds: column(ours, 'perSecond'),
    bound: atLeast(150_000),
    note: `${counted(entries)} entries in the store, each hashed and compared with its columns`,
  });
}

/** Nobody is connected: presence costs nothing in the store. */
const presence = { isOnline: () => false, onlineIds: [], newestSample: () => undefined, seenAt: () => undefined };
/** The policy has no problems: the overview asks for nothing else of it. */
const current = async () => ({ problems: [] });

/** Places in the middle of what was filled in, as cursors; and a minute before the last entry: entries are a millisecond apart. */
async function middleOf(db: Db) {
  const half = async (table: 'server' | 'action' | 'timeline_entry') => {
    const { n } = await db
      .selectFrom(table)
      .select((q) => q.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    return Math.floor(n / 2);
  };
  const server = String(await half('server'));
  const id = `act_${String(await half('action')).padStart(12, '0')}`;
  const line = await half('timeline_entry');
  const action = await db.selectFrom('action').select('created_at').where('id', '=', id).executeTakeFirstOrThrow();
  const { at } = await db.selectFrom('timeline_entry').select('at').where('id', '=', line).executeTakeFirstOrThrow();
  const last = await db
    .selectFrom('audit_entry')
    .select((q) => q.fn.max('at').as('at'))
    .executeTakeFirstOrThrow();
  return {
    server: `fill-${server.padStart(6, '0')}~srv_${server.padStart(12, '0')}`,
    action: `${action.created_at}-${id}`,
    line: `${at}-${line}`,
    lately: Number(last.at) - 60_000,
  };
}

async function queries(bench: Bench, db: Db, note: string): Promise<Row[]> {
  const times = bench.count(300, 60);
  const { getTimeline } = timelineOperations({ db });
  const { listAlerts } = alertOperations({ db } as never);
  const { getOverview } = overviewOperations({ db, clock: systemClock, fleet: presence, policy: { current } } as never);
  const context = { signal: new AbortController().signal, ip: null, userAgent: null };
  const caller = {
    person: { id: '', name: '', role: 'owner' },
    via: 'dashboard',
    token: null,
    session: null,
    client: null,
    ip: null,
  } as const;
  // What each page of the dashboard asks for when it opens.
  const middle = await middleOf(db);
  const pages: Record<string, () => Promise<unknown>> = {
    'newest 100 audit entries': () => newestEntries(db, {}, Number.MAX_SAFE_INTEGER, 100),
    'inbox: what waits': () =>
      listActions({ db, fleet: presence as never }, { state: 'awaiting_approval', limit: 100 }),
    'inbox: what was': () => listActions({ db, fleet: presence as never }, { limit: 8 }),
    'servers: the first page': () => listServers({ db, presence }, { limit: 100 }),
    'servers: all that are offline, 100 of them': () =>
      listServers({ db, presence }, { state: 'offline', cursor: middle.server, limit: 100 }),
    'inbox: what was, a page in the middle': () =>
      listActions({ db, fleet: presence as never }, { open: 'false', cursor: middle.action, limit: 100 }),
    'timeline: the newest 100': () => getTimeline(caller, { limit: 100 }, context),
    'timeline: a page in the middle': () => getTimeline(caller, { cursor: middle.line, limit: 100 }, context),
    'alerts: the first page': () => listAlerts(caller, { state: 'all', limit: 100 }, context),
    overview: () => getOverview(caller, {}, context),
    'audit entries of the last 60,000, 100 of them': () =>
      newestEntries(db, { since: middle.lately }, Number.MAX_SAFE_INTEGER, 100),
  };
  const { ours } = await interleave({
    ours: async () => {
      const readings: Record<string, number> = {};
      for (const [name, ask] of Object.entries(pages)) readings[name] = percentile(await timings(times, ask, 5), 99);
      return readings as Readings;
    },
  });
  return Object.keys(pages).map((what) =>
    judge({
      ...{ goal: 'G12', what: `${what}, p99`, unit: 'ms' },
      rounds: column(ours, what),
      bound: atMost(20),
      smaller: bench.quick,
      note: `${times} times in each round; ${note}`,
    }),
  );
}
