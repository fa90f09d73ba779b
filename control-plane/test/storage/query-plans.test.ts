/**
 * What SQLite means to do for each query behind a page, a count and a sweep. SQLite plans by the schema alone here (nobody runs
 * ANALYZE), so an empty store tells what a store of years would do.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as actions from '../../src/actions/action.store.ts';
import { finalStates, unfinishedStates } from '../../src/actions/action.store.ts';
import { newestActions } from '../../src/actions/action-list.store.ts';
import { driftedIds } from '../../src/actions/drift.store.ts';
import { actionsWithOutput } from '../../src/actions/output.store.ts';
import { alertPage, countFiring, firingOfKind, newestOfKey } from '../../src/alerts/alert.store.ts';
import { unsettledActions, waitingActions } from '../../src/approvals/telegram/card.store.ts';
import { entriesOf, newestEntries } from '../../src/audit/audit-index.store.ts';
import { listedServers } from '../../src/fleet/listed-server.store.ts';
import * as servers from '../../src/fleet/server.store.ts';
import { contradictedServers } from '../../src/fleet/witness.store.ts';
import * as overview from '../../src/operations/overview.store.ts';
import { timelinePage } from '../../src/operations/timeline.store.ts';
import { type Db, databaseOn, openSqlite, type Sqlite } from '../../src/storage/database.ts';
import { write } from '../../src/storage/write.ts';

interface Asked {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** A store in memory that writes down what it is asked. */
async function recordingStore(t: { after: (end: () => unknown) => void }) {
  const sqlite = openSqlite(':memory:');
  const asked: Asked[] = [];
  const recording: Sqlite = {
    close: () => sqlite.close(),
    prepare(sql) {
      const statement = sqlite.prepare(sql);
      return {
        reader: statement.reader,
        all: (parameters) => {
          asked.push({ sql, parameters });
          return statement.all(parameters);
        },
        run: (parameters) => {
          asked.push({ sql, parameters });
          return statement.run(parameters);
        },
        iterate: (parameters) => statement.iterate(parameters),
      };
    },
  };
  const db = await databaseOn(recording);
  t.after(() => db.destroy());
  const plan = ({ sql, parameters }: Asked) =>
    (sqlite.prepare(`explain query plan ${sql}`).all(parameters) as { detail: string }[]).map(({ detail }) => detail);
  return { db, asked, plan };
}

const server = 'srv_000000000001';
const at = 1_000;
const place = { at, id: 'act_000000000001' };
const sample = { before: 1, thinFrom: 2, thinBefore: 3, minuteMs: 4 };

const queries: Readonly<Record<string, (db: Db) => Promise<unknown>>> = {
  'actions: newest': (db) => newestActions(db, {}, 100),
  'actions: a later page': (db) => newestActions(db, { before: place }, 100),
  'actions: what waits': (db) => newestActions(db, { states: ['awaiting_approval'] }, 100),
  'actions: open': (db) => newestActions(db, { states: unfinishedStates, before: place }, 100),
  'actions: ended': (db) => newestActions(db, { states: finalStates, before: place }, 100),
  'actions: of a server': (db) => newestActions(db, { serverId: server, before: place }, 100),
  'actions: ended, of a server': (db) => newestActions(db, { serverId: server, states: finalStates }, 100),
  'servers: the list': (db) => listedServers(db, { limit: 100 }),
  'servers: more of the list': (db) => listedServers(db, { after: { id: server, name: 'a' }, limit: 100 }),
  'servers: first page': (db) => servers.serversAfter(db, { limit: 100, revoked: false }),
  'servers: a later page': (db) =>
    servers.serversAfter(db, { after: { id: server, name: 'a' }, limit: 100, revoked: false }),
  'servers: by name': (db) => servers.serverByRef(db, 'web-1'),
  'servers: by key': (db) => servers.serverByKey(db, 'key'),
  'servers: newest samples': (db) => servers.newestSampleOf(db, [server, 'srv_000000000002']),
  'servers: history': (db) => servers.newestSamples(db, server, 60),
  'servers: enrolment token': (db) => servers.newestEnrolmentToken(db, server),
  'servers: samples thinned': (db) => write(db, (trx) => servers.thinSamples(trx, server, sample)),
  'timeline: newest': (db) => timelinePage(db, { limit: 100 }),
  'timeline: a later page': (db) => timelinePage(db, { before: { at, id: 1 }, limit: 100 }),
  'timeline: of a server': (db) => timelinePage(db, { serverId: server, since: at, before: { at, id: 1 }, limit: 100 }),
  'timeline: of an alert': (db) => timelinePage(db, { alertId: 'alr_1', limit: 100 }),
  'audit: newest': (db) => newestEntries(db, {}, at, 100),
  'audit: of a server': (db) => newestEntries(db, { serverId: server }, at, 100),
  'audit: of an action': (db) => newestEntries(db, { actionId: place.id }, at, 100),
  'audit: of an event': (db) => newestEntries(db, { event: 'action.approved' }, at, 100),
  'audit: since a time': (db) => newestEntries(db, { since: 0 }, at, 100),
  'alerts: firing': (db) => alertPage(db, { state: 'firing', limit: 100 }),
  'alerts: resolved, a later page': (db) =>
    alertPage(db, { state: 'resolved', after: { state: 'resolved', lastAt: at, id: 'alr_1' }, limit: 100 }),
  'alerts: of a server': (db) => alertPage(db, { state: 'resolved', serverId: server, limit: 100 }),
  'alerts: how many fire': (db) => countFiring(db, [server]),
  'alerts: of a kind': (db) => firingOfKind(db, 'agent', 'disk'),
  'alerts: again': (db) => newestOfKey(db, 'key'),
  'overview: servers': (db) => servers.countServers(db),
  'overview: other versions': (db) => overview.countOtherVersions(db, '1'),
  'overview: contradictions': (db) => contradictedServers(db),
  'overview: unknown outcomes': (db) => overview.countActionsIn(db, 'unknown'),
  'overview: rejections': (db) => overview.rejectionsByToken(db, at),
  'requests: pending': (db) => actions.countPending(db, { personId: 'p', tokenId: 't' }),
  'requests: rejected': (db) => actions.newestRejections(db, 't', { since: at, most: 3 }),
  'requests: repeated': (db) => actions.openRepeat(db, { serverId: server, key: 'key' }, at),
  'requests: at work on a server': (db) => actions.actionsOnServer(db, server, ['dispatched', 'running']),
  'sweep: expired': (db) => actions.expiredIds(db, at),
  'sweep: to dispatch': (db) => actions.workIn(db, 'approved'),
  'sweep: to lose': (db) => actions.actionsIn(db, ['dispatched', 'running']),
  'sweep: to send again': (db) => actions.actionsIn(db, ['dispatched'], server),
  'sweep: drifted': (db) => driftedIds(db, at),
  'sweep: cards': (db) => actions.liveIds(db, at),
  'sweep: output': (db) => actionsWithOutput(db, '', 100),
  'telegram: cards': (db) => unsettledActions(db, at),
  'telegram: what waits': (db) => waitingActions(db),
  'telegram: notices': (db) => entriesOf(db, ['action.approved', 'server.enrolled'], at, 100),
};

/** Walks in the order of an index that stop at a limit, narrow indexes read whole instead of wide rows, and bounded parts of queries. */
const walks =
  /^SCAN (action USING INDEX action_newest|timeline_entry USING INDEX timeline_newest|server USING (COVERING )?INDEX server_(listed|name|state|contradiction)|since|kept)$/;

test('when the store is asked for a page, a count or what is due, an index leads to it', async (t) => {
  const { db, asked, plan } = await recordingStore(t);
  // One entry, so that the walk since a time is taken.
  const entry = { seq: 1, at, event: 'x', server_id: null, action_id: null, person_id: null, body: '{}', hash: 'h' };
  await write(db, (trx) => trx.insertInto('audit_entry').values(entry).execute());
  const wrong: string[] = [];
  for (const [name, ask] of Object.entries(queries)) {
    asked.length = 0;
    await ask(db);
    const selects = asked.filter(({ sql }) => /^(select|update|delete)/i.test(sql));
    assert.ok(selects.length > 0, name);
    for (const one of selects)
      for (const detail of plan(one))
        if (/^SCAN /.test(detail) && !walks.test(detail)) wrong.push(`${name}: ${detail}`);
  }
  assert.deepEqual(wrong, []);
});
