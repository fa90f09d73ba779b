import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeats } from '../../src/fleet/heartbeats.ts';
import { write } from '../../src/storage/write.ts';
import { manualClock } from '../actions/manual-clock.ts';
import { addServer } from '../storage/rows.ts';
import { tempDatabase } from '../storage/temp-database.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const id = 'srv_000000000001';

/** What may be left at a time: nothing of 30 days ago, and of a day ago the first minute of each quarter of an hour. */
const isKept = (at: number, now: number) => at >= now - 30 * DAY && (at >= now - DAY || at % (15 * MINUTE) < MINUTE);

test('when samples grow old, they are thinned at each pass, also those that came while the clock was set back', async (t) => {
  const { db } = await tempDatabase(t, { memory: true });
  const clock = manualClock();
  const problems: unknown[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: (...all: unknown[]) => problems.push(all) };
  const heartbeats = new Heartbeats({ db, clock, log } as never);
  await write(db, (trx) => addServer(trx, { id, name: 'web-1' }));
  let known: number[] = [];
  const take = async (from: number, upTo: number, everyMs: number) => {
    for (let at = from; at < upTo; at += everyMs) known.push(at);
    await write(db, async (trx) => {
      for (let at = from; at < upTo; at += everyMs)
        await trx.insertInto('server_sample').values({ server_id: id, at, sample_json: '{}' }).execute();
    });
  };
  const pass = async () => {
    await heartbeats.thin();
    known = known.filter((at) => isKept(at, clock.now()));
    const rows = await db.selectFrom('server_sample').select('at').orderBy('at').execute();
    assert.deepEqual(
      rows.map(({ at }) => at),
      known.toSorted((one, other) => one - other),
    );
  };
  const began = clock.now();
  await take(began - 31 * DAY, began - 29 * DAY, 10 * MINUTE);
  await take(began - 26 * HOUR, began, MINUTE);
  await pass();
  for (let hour = 0; hour < 3; hour += 1) {
    await take(clock.now(), clock.now() + HOUR, MINUTE);
    clock.jump(HOUR);
    await pass();
  }
  clock.jump(-3 * DAY);
  await take(clock.now(), clock.now() + 2 * HOUR, MINUTE);
  clock.jump(2 * HOUR);
  await pass();
  clock.jump(30 * HOUR);
  await pass();
  assert.deepEqual(problems, []);
});
