/** Threat T22: 2,000 random changes of the audit log, and who finds each: the chain alone, the checkpoints, or the servers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '@countersign/protocol';
import { makeSigningKey, type SigningKey } from '@countersign/protocol/signing';
import Sqlite from 'better-sqlite3';
import { ChainCheck, type Verdict } from '../../src/audit/chain-check.ts';
import { type EntryBody, NO_HASH } from '../../src/audit/entry.ts';
import { checkpointLine, entryLine, headerLine } from '../../src/audit/export.ts';
import { LedgerReading, readBody } from '../../src/audit/ledger-reading.ts';
import { SpanThreads } from '../../src/audit/span-threads.ts';
import { verifyExport } from '../../src/audit/verify-export.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import { compareWitness, sizesIn } from '../../src/audit/verify-witness.ts';
import { seeded } from '../fleet/mutate-frames.ts';
import { tempDatabase } from '../storage/temp-database.ts';
import { append, type Ledger, rehash, resign, rowOf, sign, witnessedLedger } from './manipulated-ledger.ts';

const SEED = Number(process.env.COUNTERSIGN_SEED ?? 20_261_121);
const CASES = 2000;

type FoundBy = 'chain' | 'checkpoints' | 'servers';
interface Tools {
  readonly log: Ledger;
  readonly key: SigningKey;
  /** A whole number from `from` to `to`. */
  readonly between: (from: number, to: number) => number;
}

/** What somebody does to the log, and who has to find it at the latest. */
const manipulations: Record<string, { latest: FoundBy; does: (tools: Tools) => void }> = {
  'an entry is edited': { latest: 'chain', does: ({ log, between }) => edit(log, between(1, size(log)), between) },
  'an entry is edited and its hash made anew': {
    latest: 'checkpoints',
    does: ({ log, between }) => {
      const seq = between(1, size(log));
      edit(log, seq, between);
      const row = log.entries[seq - 1];
      if (row) log.entries[seq - 1] = rowOf(JSON.parse(row.body));
    },
  },
  'entries are deleted': {
    latest: 'chain',
    does: ({ log, between }) => void log.entries.splice(between(0, size(log) - 6), between(1, 4)),
  },
  'two entries change places': {
    latest: 'chain',
    does: ({ log, between }) => {
      const [a, b] = [between(0, size(log) - 2), size(log) - 1];
      const other = between(a + 1, b);
      const [one, two] = [log.entries[a], log.entries[other]];
      if (one && two)
        [log.entries[a], log.entries[other]] = [
          { ...two, seq: one.seq },
          { ...one, seq: two.seq },
        ];
    },
  },
  'an entry stands there twice': {
    latest: 'chain',
    does: ({ log, between }) => {
      const copied = log.entries[between(0, size(log) - 1)];
      if (copied) log.entries.push({ ...copied, seq: size(log) + 1 });
    },
  },
  'a searched column is changed': {
    latest: 'checkpoints',
    does: ({ log, between }) => {
      const at = between(0, size(log) - 1);
      const row = log.entries[at];
      if (row) log.entries[at] = { ...row, event: `${row.event}.` };
    },
  },
  'the end is cut off': {
    latest: 'checkpoints',
    does: ({ log, between }) => void log.entries.splice(between(1, size(log) - 1)),
  },
  'a checkpoint is edited': {
    latest: 'checkpoints',
    does: ({ log, between }) => {
      const at = between(0, log.checkpoints.length - 1);
      const row = log.checkpoints[at];
      const place = between(0, (row?.note.length ?? 1) - 1);
      if (row) log.checkpoints[at] = { ...row, note: changed(row.note, place) };
    },
  },
  'the log is rewritten from one entry on': {
    latest: 'checkpoints',
    does: ({ log, between }) => rewrite(log, between(1, size(log))),
  },
  'the log is rewritten and signed with another key': {
    latest: 'checkpoints',
    does: ({ log, between }) => {
      rewrite(log, between(1, size(log)));
      resign(log, makeSigningKey());
    },
  },
  'the log is rewritten and signed with our own key': {
    latest: 'servers',
    does: ({ log, key, between }) => {
      rewrite(log, between(1, size(log)));
      resign(log, key);
    },
  },
  'an entry is put in between, and all signed with our own key': {
    latest: 'servers',
    does: ({ log, key, between }) => {
      const at = between(1, size(log) - 1);
      log.entries.splice(at, 0, rowOf({ ...bodyAt(log, at), details: { name: 'never happened' } }));
      rehash(log, at);
      resign(log, key);
    },
  },
  'the log is forked, and both branches are signed with our own key': {
    latest: 'servers',
    does: ({ log, key, between }) => {
      cut(log, between(1, size(log) - 1));
      for (let n = between(1, 30); n > 0; n -= 1) append(log, other(n));
      sign(log, key);
    },
  },
  'an older backup is restored': {
    latest: 'servers',
    does: ({ log, between }) => cut(log, between(1, size(log) - 1)),
  },
  'an older backup is restored and goes on': {
    latest: 'servers',
    does: ({ log, key, between }) => {
      cut(log, between(1, size(log) - 1));
      for (let n = between(1, 40); n > 0; n -= 1) {
        append(log, other(n));
        if (n % 4 === 0) sign(log, key);
      }
      sign(log, key);
    },
  },
};

test('T22: when the log is manipulated in 2,000 random ways, each is found, and it is known by whom', async (t) => {
  const { db, path } = await tempDatabase(t);
  const store = storeBehind(path);
  t.after(() => store.close());
  const key = makeSigningKey();
  const { log: genuine, witnesses } = witnessedLedger(key);
  const random = seeded(SEED);
  const kinds = Object.entries(manipulations);
  const tally = new Map<string, Record<FoundBy, number>>();
  assert.equal(await foundBy(genuine), null, 'nothing is wrong with the log itself');
  for (let n = 0; n < CASES; n += 1) {
    const [kind, { latest, does }] = kinds[n % kinds.length] ?? assert.fail();
    const log = structuredClone(genuine) as Ledger;
    does({ log, key, between: (from, to) => from + Math.floor(random() * (to - from + 1)) });
    assert.notEqual(canonicalJson(log as never), canonicalJson(genuine as never), `${kind}: case ${n} changed nothing`);
    const found = await foundBy(log);
    assert.ok(found, `${kind}: case ${n} of seed ${SEED} was not found`);
    assert.ok(order.indexOf(found) <= order.indexOf(latest), `${kind}: case ${n} of seed ${SEED} found by ${found}`);
    const row = tally.get(kind) ?? { chain: 0, checkpoints: 0, servers: 0 };
    row[found] += 1;
    tally.set(kind, row);
  }
  for (const [kind, row] of tally)
    t.diagnostic(`${kind}: chain ${row.chain}, checkpoints ${row.checkpoints}, servers ${row.servers}`);
  for (const [kind, { latest }] of kinds)
    if (latest === 'servers') assert.equal(tally.get(kind)?.checkpoints, 0, `${kind} is seen by the servers alone`);

  async function foundBy(log: Ledger): Promise<FoundBy | null> {
    if (!chainAlone(log, key).ok) return 'chain';
    store.put(log);
    if (!(await verifyLedger({ db, publicKey: key.publicKey })).ok) return 'checkpoints';
    const ledger = new LedgerReading(sizesIn(witnesses));
    for (const { body, hash } of log.entries) ledger.take({ body: readBody(body) ?? assert.fail(), hash });
    const problems = witnesses.map((it) => compareWitness(ledger, it, { key: it.own.publicKey }).problems.length);
    // The second server keeps the newest checkpoint only, and that is enough.
    if (problems.every((count) => count > 0)) return 'servers';
    assert.ok(
      problems.every((count) => count === 0),
      'one server sees it and the other does not',
    );
    return null;
  }
});

test('T22: when whole pages are taken as one, also by threads, the verdict on any log is that of going through it entry by entry', async (t) => {
  const { db, path } = await tempDatabase(t);
  const store = storeBehind(path);
  t.after(() => store.close());
  const key = makeSigningKey();
  const { log: genuine } = witnessedLedger(key);
  const random = seeded(SEED + 2);
  const between = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const kinds = Object.entries(manipulations);
  const verdict = (how: { pageSize: number; inSpans?: boolean; threadsFrom?: number }) =>
    verifyLedger({ db, publicKey: key.publicKey }, how);
  let broken = 0;
  for (let n = 0; n < 400; n += 1) {
    const [kind, { does }] = kinds[n % kinds.length] ?? assert.fail();
    const log = structuredClone(genuine) as Ledger;
    const times = n === 0 ? 0 : between(1, 3);
    for (let time = 0; time < times; time += 1) does({ log, key, between });
    store.put(log);
    const pageSize = between(3, 90);
    const expected = await verdict({ pageSize, inSpans: false });
    assert.equal(expected.ok || n > 0, true);
    if (!expected.ok) broken += 1;
    const said = `${kind}, case ${n} of seed ${SEED}, ${pageSize} entries a page`;
    assert.deepEqual(await verdict({ pageSize }), expected, said);
    if (n % 40 === 0) assert.deepEqual(await verdict({ pageSize, threadsFrom: 1 }), expected, `${said}, threads`);
  }
  assert.ok(broken > 200, `${broken} were found broken here`);
});

test('T22: when a thread looks at entries, it calls those whole that are, cut where it is told, and no others', async (t) => {
  const { path } = await tempDatabase(t);
  const store = storeBehind(path);
  t.after(() => store.close());
  const { log } = witnessedLedger(makeSigningKey());
  store.put(log);
  await using threads = SpanThreads.take(path) ?? assert.fail();
  const [one, nine, ten, twenty] = [0, 8, 9, 19].map((at) => log.entries[at] ?? assert.fail());
  assert.deepEqual(await threads.ask({ after: 0, upTo: 20, cuts: [9] }), [
    { first: 1, prev: NO_HASH, last: 9, head: nine?.hash },
    { first: 10, prev: nine?.hash, last: 20, head: twenty?.hash },
  ]);
  log.entries[9] = { ...(ten ?? assert.fail()), at: (one?.at ?? 0) + 1 };
  store.put(log);
  assert.deepEqual(
    await Promise.all([threads.ask({ after: 0, upTo: 9, cuts: [] }), threads.ask({ after: 5, upTo: 15, cuts: [] })]),
    [[{ first: 1, prev: NO_HASH, last: 9, head: nine?.hash }], null],
  );
});

test('when the threads cannot read the store, they call nothing whole, and nobody waits for them', async () => {
  await using threads = SpanThreads.take('/nowhere/at/all.db') ?? assert.fail();
  const question = { after: 0, upTo: 20, cuts: [] };
  assert.deepEqual(await Promise.all([threads.ask(question), threads.ask(question), threads.ask(question)]), [
    null,
    null,
    null,
  ]);
  assert.equal(await threads.ask(question), null);
});

test('T22: when an export is manipulated in 2,000 random ways, each is found', async (t) => {
  const key = makeSigningKey();
  const { log } = witnessedLedger(key);
  const last = log.entries.at(-1) ?? assert.fail();
  const lines = [
    headerLine({ key: key.publicKey, entries: last.seq, head: last.hash }),
    ...log.entries.flatMap(({ seq, body, hash }) => [
      entryLine(body, hash),
      ...log.checkpoints.filter((it) => it.size === seq).map(({ note }) => checkpointLine(note)),
    ]),
  ];
  assert.ok((await verifyExport(lines, { key: key.publicKey })).ok);
  const random = seeded(SEED + 1);
  const between = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  // That one checkpoint of several is left out changes nothing of what the log says, so it is none of the ways.
  const entryOf = (all: readonly string[]) => {
    const at = all.flatMap((line, n) => (line.startsWith('{"entry"') ? [n] : []));
    return at[between(0, at.length - 1)] ?? 0;
  };
  const ways: ((all: string[]) => string[])[] = [
    (all) => all.with(between(0, all.length - 1), ''),
    (all) => all.toSpliced(entryOf(all), 1),
    (all) => all.toSpliced(between(1, all.length - 2), between(2, 5)),
    (all) => all.slice(0, between(0, all.length - 1)),
    (all) => all.toSpliced(between(0, all.length), 0, all[entryOf(all)] ?? ''),
    (all) => {
      const [a, b] = [between(0, all.length - 2), all.length - 1];
      const other = between(a + 1, b);
      return all.with(a, all[other] ?? '').with(other, all[a] ?? '');
    },
    (all) => {
      const at = between(0, all.length - 1);
      const line = all[at] ?? '';
      return all.with(at, changed(line, between(0, line.length - 1)));
    },
  ];
  for (let n = 0; n < CASES; n += 1) {
    const broken = ways[n % ways.length]?.([...lines]) ?? assert.fail();
    assert.notDeepEqual(broken, lines);
    const { ok } = await verifyExport(broken, { key: key.publicKey });
    assert.equal(ok, false, `way ${n % ways.length}, case ${n} of seed ${SEED + 1}`);
  }
  t.diagnostic(`${CASES} of ${CASES} found`);
});

const order: readonly FoundBy[] = ['chain', 'checkpoints', 'servers'];
const size = ({ entries }: Ledger) => entries.length;
const bodyAt = (log: Ledger, seq: number) => JSON.parse(log.entries[seq - 1]?.body ?? '') as EntryBody;
const other = (n: number) => ({ event: 'token.revoked', server: null, action: null, details: { name: `other ${n}` } });

/** The chain without any checkpoint, as somebody without our public key can check it. */
function chainAlone(log: Ledger, key: SigningKey): Verdict {
  const check = new ChainCheck(key.publicKey);
  for (const { body, hash, seq } of log.entries) {
    const read = readBody(body) as EntryBody | null;
    if (read === null) check.unreadable();
    else check.entry(body, hash, read);
    if (read?.seq !== seq) check.problem(seq, 'stands in another place');
  }
  return check.verdict();
}

/** Exchanges one letter of the text for another. */
function changed(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
}

function edit(log: Ledger, seq: number, between: Tools['between']): void {
  const row = log.entries[seq - 1];
  if (!row) return;
  const details = { ...(JSON.parse(row.body) as EntryBody).details, edited: between(1, 1_000_000) };
  log.entries[seq - 1] = { ...row, body: canonicalJson({ ...JSON.parse(row.body), details }) };
}

function rewrite(log: Ledger, seq: number): void {
  const body = bodyAt(log, seq);
  log.entries[seq - 1] = rowOf({ ...body, details: { ...body.details, reason: 'as it suits somebody' } });
  rehash(log, seq + 1);
}

function cut(log: Ledger, kept: number): void {
  log.entries.length = kept;
  log.checkpoints.splice(log.checkpoints.findLastIndex((it) => it.size <= kept) + 1);
}

/** Writes a log into the file behind the program's back. */
function storeBehind(path: string) {
  const sqlite = new Sqlite(path);
  sqlite.pragma('synchronous = off');
  for (const trigger of sqlite.prepare("select name from sqlite_master where type = 'trigger'").pluck().all())
    sqlite.exec(`drop trigger ${trigger}`);
  const entry = sqlite.prepare(
    'insert into audit_entry (seq, at, event, server_id, action_id, person_id, body, hash) values (@seq, @at, @event, @server_id, @action_id, @person_id, @body, @hash)',
  );
  const checkpoint = sqlite.prepare(
    'insert or replace into audit_checkpoint (size, head, note, at) values (@size, @head, @note, @at)',
  );
  return {
    put: sqlite.transaction(({ entries, checkpoints }: Ledger) => {
      sqlite.exec('delete from audit_entry; delete from audit_checkpoint');
      for (const row of entries) entry.run(row);
      for (const row of checkpoints) checkpoint.run(row);
    }),
    close: () => sqlite.close(),
  };
}
