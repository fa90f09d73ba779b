import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSigningKey } from '@countersign/protocol/signing';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { SpanThreads } from '../../src/audit/span-threads.ts';
import { verifyLedger } from '../../src/audit/verify-ledger.ts';
import { write } from '../../src/storage/write.ts';
import { tempDatabase } from '../storage/temp-database.ts';

test('T13: when many have the log verified at once, one of them has the threads, and the verdict is the same for all', async (t) => {
  const { db, path } = await tempDatabase(t);
  await write(db, async (trx) => {
    for (let at = 1; at <= 100; at += 1)
      await appendEntry(trx, { event: 'control_plane.stopped', at, who: whoIs('system') });
  });
  const verify = () => verifyLedger({ db, publicKey: makeSigningKey().publicKey }, { threadsFrom: 1, pageSize: 7 });
  {
    await using threads = SpanThreads.take(path) ?? assert.fail('nobody has them');
    assert.equal(SpanThreads.take(path), null);
    assert.equal((await threads.ask({ after: 0, upTo: 100, cuts: [] }))?.length, 1);
  }
  const verdicts = await Promise.all([verify(), verify(), verify()]);
  for (const { ok, entries } of verdicts) assert.deepEqual([ok, entries], [true, 100]);
  await using threads = SpanThreads.take(path) ?? assert.fail('they were given back');
  assert.ok(threads.size > 0);
});
