import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '@countersign/protocol';
import { readNote } from '@countersign/protocol/checkpoint-note';
import { newestEntries } from '../../src/audit/audit-index.store.ts';
import { checkpoint, checkpointsOnClock } from '../../src/audit/checkpoint.ts';
import { entryText, visibleDetails } from '../../src/audit/entry.ts';
import { auditEvents, privacyOf } from '../../src/audit/events.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { write } from '../../src/storage/write.ts';
import { manualClock } from '../actions/manual-clock.ts';
import { ledger } from './ledger-fixture.ts';

test('when a detail is not in the catalogue, it counts as secret and is not stored', async (t) => {
  const { db } = await ledger(t, 0);
  await write(db, (trx) =>
    appendEntry(trx, {
      event: 'token.created',
      at: 1,
      who: whoIs('system'),
      details: { name: 'laptop', ...{ secret: 'csr_abc' } },
    }),
  );
  const [row] = await newestEntries(db, {}, 100, 10);
  assert.deepEqual(JSON.parse(row?.body ?? '').details, { name: 'laptop' });
  assert.equal(privacyOf('token.created', 'secret'), 'secret');
  assert.equal(privacyOf('no.such_event', 'name'), 'secret');
});

test('when a detail holds a key by accident, the key is blacked out before it is stored', async (t) => {
  const { db } = await ledger(t, 0);
  await write(db, (trx) =>
    appendEntry(trx, {
      event: 'token.created',
      at: 1,
      who: whoIs('system'),
      details: { name: 'AKIAIOSFODNN7EXAMPLE \u001b[31mred' },
    }),
  );
  const [row] = await newestEntries(db, {}, 100, 10);
  assert.equal(JSON.parse(row?.body ?? '').details.name, '[redacted] red');
});

test('when a token reads the log, sensitive details are left out; a person sees them', () => {
  const details = { name: 'Ana', email: 'ana@example.org' };
  assert.deepEqual(visibleDetails('person.removed', details, 'token'), { name: 'Ana' });
  assert.deepEqual(visibleDetails('person.removed', details, 'person'), details);
});

test('when an event is named, it is a noun and what happened to it', () => {
  for (const event of Object.keys(auditEvents))
    assert.match(event, /^[a-z_]+\.([a-z]+_)*([a-z]+ed|given|lost|made|ran|read|sent|withdrawn)(_[a-z]+)*$/);
});

test('when an entry is rolled back, its number is given to the next and the chain has no gap', async (t) => {
  const { db } = await ledger(t, 2);
  await assert.rejects(
    write(db, async (trx) => {
      await appendEntry(trx, { event: 'control_plane.stopped', at: 1, who: whoIs('system') });
      throw new Error('crash');
    }),
  );
  const seq = await write(db, (trx) =>
    appendEntry(trx, { event: 'control_plane.started', at: 2, who: whoIs('system') }),
  );
  assert.equal(seq, 3);
});

test('when entries come at once, the chain is one line', async (t) => {
  const { db } = await ledger(t, 0);
  const numbers = await Promise.all(
    Array.from({ length: 40 }, () =>
      write(db, (trx) => appendEntry(trx, { event: 'control_plane.started', at: 1, who: whoIs('system') })),
    ),
  );
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: 40 }, (_, n) => n + 1),
  );
});

test('when a checkpoint is made, it is a signed note over the head; without anything new there is no second one', async (t) => {
  const { db, deps, key } = await ledger(t, 3);
  const made = await checkpoint(deps);
  assert.ok(made);
  assert.match(
    made.note,
    /^countersign\/checkpoint\/v1\n3\n[A-Za-z0-9+/]{43}=\nat 2026-11-20T12:00:00\.000Z\n\n— countersign /,
  );
  assert.deepEqual(readNote(made.note, key.publicKey), { size: 3, head: made.head, at: made.at });
  await checkpoint(deps);
  assert.equal((await db.selectFrom('audit_checkpoint').selectAll().execute()).length, 1);
});

test('when any letter of a note changes, it is not read', async (t) => {
  const { deps, key } = await ledger(t, 3);
  const { note } = (await checkpoint(deps)) ?? assert.fail();
  for (let at = 0; at < note.length; at += 1) {
    const changed = note.slice(0, at) + (note[at] === 'B' ? 'C' : 'B') + note.slice(at + 1);
    assert.equal(readNote(changed, key.publicKey), null, `letter ${at}`);
  }
});

test('when a minute passes and something is new, a checkpoint is made; at the end a last one', async (t) => {
  const { db, key } = await ledger(t, 3);
  const clock = manualClock();
  const log = { info: () => undefined, warn: () => undefined, error: assert.fail };
  const running = checkpointsOnClock({ db, clock, key, log });
  const sizes = async () =>
    (await db.selectFrom('audit_checkpoint').select('size').orderBy('size').execute()).map(({ size }) => size);
  await clock.pass(60_000);
  while ((await sizes()).length === 0);
  assert.deepEqual(await sizes(), [3]);
  await write(db, (trx) => appendEntry(trx, { event: 'control_plane.stopped', at: 1, who: whoIs('system') }));
  await running[Symbol.asyncDispose]();
  assert.deepEqual(await sizes(), [3, 4]);
  assert.equal(clock.waiting(), 0);
});

test('when the clock was set back, entries since a time are found all the same, newest first', async (t) => {
  const { db } = await ledger(t, 0);
  const times = [9_000, 9_001, 1_000, 1_001, 5_000, 9_002];
  await write(db, async (trx) => {
    for (const at of times) await appendEntry(trx, { event: 'control_plane.stopped', at, who: whoIs('system') });
  });
  const since = async (at: number, before = 100) =>
    (await newestEntries(db, { since: at }, before, 10)).map(({ seq }) => seq);
  assert.deepEqual(await since(9_000), [6, 2, 1]);
  assert.deepEqual(await since(5_000, 6), [5, 2, 1]);
  assert.deepEqual(await since(1_001), [6, 5, 4, 2, 1]);
  assert.deepEqual(await since(9_003), []);
});

test('T22: when an entry is worded for its hash, the words are its canonical JSON, byte for byte', () => {
  const odd = ['', 'plain', 'quote " and \\', 'line\nbreak \u2028 \u0007', 'Ünïcödé 🚀', '__proto__'];
  const named = [null, ...odd.map((it) => ({ id: it, name: `${it}!` }))];
  for (const word of odd)
    for (const person of named) {
      const who = { person, token: person, client: word, ip: word === '' ? null : word, by: 'token' } as const;
      const details = { [word]: word, b: [1, { z: word, a: null }], a: 0.1, n: -1e21 };
      for (const [server, action] of [
        [null, null],
        [word, `act_${word}`],
      ] as const) {
        const body = { seq: 7, prev: 'a'.repeat(64), at: 1e12, event: word, who, server, action, details };
        assert.equal(entryText(body), canonicalJson(body));
      }
    }
  const broken = { seq: 1, prev: '', at: 1, event: 'x', who: whoIs('system', '\ud800'), server: null, action: null };
  assert.throws(() => entryText({ ...broken, details: {} }), /lone surrogate/);
});
