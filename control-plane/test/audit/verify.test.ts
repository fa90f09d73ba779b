import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@countersign/protocol/digest';
import { makeSigningKey } from '@countersign/protocol/signing';
import { checkpoint } from '../../src/audit/checkpoint.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { verifyExport } from '../../src/audit/verify-export.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import { write } from '../../src/storage/write.ts';
import { ledger } from './ledger-fixture.ts';

test('when nobody touched the log, it verifies, in the database and as a file', async (t) => {
  const { db, key, exported } = await ledger(t, 12, [5, 9]);
  const lines = await exported();
  const offline = await verifyExport(lines, { key: key.publicKey });
  assert.deepEqual([offline.ok, offline.entries, offline.checkpoints], [true, 12, 3]);
  const verdict = await verifyLedger({ db, publicKey: key.publicKey });
  assert.deepEqual(verdict, { ok: true, entries: 12, head: offline.head, checkpoints: 3, problems: [] });
});

test('when the log is empty, it verifies and its export is a header', async (t) => {
  const { db, key, exported } = await ledger(t, 0);
  const lines = await exported();
  assert.equal(lines.length, 1);
  assert.equal((await verifyExport(lines)).ok, true);
  assert.equal((await verifyLedger({ db, publicKey: key.publicKey })).ok, true);
});

const manipulations: Record<string, { sql: string[]; names: number; says: RegExp }> = {
  'a word inside an entry is changed': {
    sql: ["update audit_entry set body = replace(body, 'laptop 7', 'laptop X') where seq = 7"],
    names: 7,
    says: /changed/,
  },
  'an entry is deleted': { sql: ['delete from audit_entry where seq = 7'], names: 7, says: /deleted/ },
  'two entries change places': {
    sql: [
      'update audit_entry set seq = -6 where seq = 6',
      'update audit_entry set seq = 6 where seq = 7',
      'update audit_entry set seq = 7 where seq = -6',
    ],
    names: 6,
    says: /out of place/,
  },
  'the log is cut off': { sql: ['delete from audit_entry where seq > 8'], names: 9, says: /cut off/ },
  'only a searched column is changed': {
    sql: ["update audit_entry set event = 'token.revoked' where seq = 3"],
    names: 3,
    says: /searched/,
  },
  'the hash beside an entry is changed': {
    sql: [`update audit_entry set hash = '${'a'.repeat(64)}' where seq = 10`],
    names: 10,
    says: /hash/,
  },
  'the first entry is deleted': { sql: ['delete from audit_entry where seq = 1'], names: 1, says: /deleted/ },
  'an entry is stored twice': {
    sql: [
      'insert into audit_entry select 13, at, event, server_id, action_id, person_id, body, hash from audit_entry where seq = 4',
    ],
    names: 4,
    says: /twice/,
  },
};

for (const [what, { sql, names, says }] of Object.entries(manipulations)) {
  test(`when ${what} in the database, verification finds it and names entry ${names}, there and in an export`, async (t) => {
    const { db, key, tamper, exported } = await ledger(t, 12, [5, 12]);
    tamper(...sql);
    const verdict = await verifyLedger({ db, publicKey: key.publicKey });
    assert.equal(verdict.ok, false);
    assert.equal(verdict.problems[0]?.seq, names);
    assert.match(verdict.problems[0]?.problem ?? '', says);
    if (what === 'only a searched column is changed') return; // the export carries the entries, not the columns
    const offline = await verifyExport(await exported());
    assert.equal(offline.ok, false);
    assert.equal(offline.problems.find(({ seq }) => seq === names)?.seq, names);
  });
}

test('when an entry and its own hash are replaced together, the entry is named', async (t) => {
  const { db, key, tamper } = await ledger(t, 12, [12]);
  const row = await db.selectFrom('audit_entry').selectAll().where('seq', '=', 7).executeTakeFirstOrThrow();
  const body = row.body.replace('laptop 7', 'laptop X');
  tamper(`update audit_entry set body = '${body}', hash = '${sha256(body)}' where seq = 7`);
  const { problems } = await verifyLedger({ db, publicKey: key.publicKey });
  assert.deepEqual(
    problems.map(({ seq }) => seq),
    [7],
  );
  assert.match(problems[0]?.problem ?? '', /replaced/);
});

test('when an entry and every hash after it are made anew, the signed checkpoint gives it away', async (t) => {
  const { db, key, tamper } = await ledger(t, 12, [5, 12]);
  const rows = await db.selectFrom('audit_entry').selectAll().where('seq', '>=', 7).orderBy('seq').execute();
  let prev = '';
  const statements = rows.map((row) => {
    const changed = row.seq === 7 ? row.body.replace('laptop 7', 'laptop X') : row.body;
    const body = prev === '' ? changed : changed.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`);
    prev = sha256(body);
    return `update audit_entry set body = '${body}', hash = '${prev}' where seq = ${row.seq}`;
  });
  tamper(...statements);
  const { ok, problems } = await verifyLedger({ db, publicKey: key.publicKey });
  assert.equal(ok, false);
  assert.equal(problems[0]?.seq, 6, 'the first entry after the last checkpoint that fits');
  assert.match(problems[0]?.problem ?? '', /signed checkpoint over entries 6 to 12/);
});

test('when a checkpoint is made with another key, it is told', async (t) => {
  const { db, exported } = await ledger(t, 4, [4]);
  const other = makeSigningKey();
  const { ok, problems } = await verifyLedger({ db, publicKey: other.publicKey });
  assert.deepEqual([ok, problems[0]?.seq], [false, null]);
  const offline = await verifyExport(await exported(), { key: other.publicKey });
  assert.match(offline.problems[0]?.problem ?? '', /expected ed25519:/);
});

test('when an export is cut short anywhere, it is found', async (t) => {
  const { exported } = await ledger(t, 12, [5, 9]);
  const lines = await exported();
  for (let kept = 0; kept < lines.length; kept += 1)
    assert.equal((await verifyExport(lines.slice(0, kept))).ok, false, `${kept} lines kept`);
});

test('when lines of an export change places, it is found', async (t) => {
  const { exported } = await ledger(t, 8, [4]);
  const lines = await exported();
  for (let n = 0; n + 1 < lines.length; n += 1) {
    const swapped = lines.with(n, lines[n + 1] ?? '').with(n + 1, lines[n] ?? '');
    assert.equal((await verifyExport(swapped)).ok, false, `lines ${n + 1} and ${n + 2}`);
  }
});

test('when one byte of an export changes, wherever it is, it is found, and the entry it is in is named', async (t) => {
  const { exported } = await ledger(t, 6, [3]);
  const lines = await exported();
  let tried = 0;
  for (const [n, line] of lines.entries()) {
    const seq = /^\{"entry":.*"seq":(\d+)/.exec(line)?.[1];
    for (let at = n % 3; at < line.length; at += 3) {
      const byte = line.charCodeAt(at);
      const changed = line.slice(0, at) + String.fromCharCode(byte === 0x31 ? 0x32 : 0x31) + line.slice(at + 1);
      const { ok, problems } = await verifyExport(lines.with(n, changed));
      assert.equal(ok, false, `line ${n + 1}, byte ${at}`);
      // A changed number makes an entry stand in the wrong place: then its place is named.
      if (seq !== undefined && at > 3)
        assert.ok(
          problems.some((it) => it.seq === Number(seq)),
          `line ${n + 1}, byte ${at}: ${JSON.stringify(problems)}`,
        );
      tried += 1;
    }
  }
  assert.ok(tried > 500);
});

test('when a log is long, it is read page by page and checkpoints between pages still fit', async (t) => {
  const { db, key, deps, tamper } = await ledger(t, 1);
  await write(db, async (trx) => {
    for (let n = 0; n < 4500; n += 1)
      await appendEntry(trx, { event: 'token.created', at: n, who: whoIs('system'), details: { name: 'laptop' } });
  });
  await checkpoint(deps);
  await write(db, (trx) => appendEntry(trx, { event: 'control_plane.stopped', at: 1, who: whoIs('system') }));
  await checkpoint(deps);
  const verdict = await verifyLedger({ db, publicKey: key.publicKey });
  assert.deepEqual([verdict.ok, verdict.entries, verdict.checkpoints], [true, 4502, 2]);
  tamper("update audit_entry set body = replace(body, 'laptop', 'lapdog') where seq = 4321");
  const { problems } = await verifyLedger({ db, publicKey: key.publicKey });
  assert.deepEqual(
    problems.map(({ seq }) => seq),
    [4321],
  );
});
