import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryGiver, WORTH_BYTES } from '../../src/host/memory.ts';

test('when little was taken since memory was given back, nothing is collected until it has come to something', () => {
  let resident = 50 * WORTH_BYTES;
  let collected = 0;
  const give = memoryGiver({
    residentBytes: () => resident,
    collect: () => {
      collected += 1;
      resident = 25 * WORTH_BYTES;
    },
  });
  give();
  assert.equal(collected, 1, 'after the start');
  for (let words = 1; words <= 3; words += 1) {
    resident += WORTH_BYTES / 4;
    give();
    assert.equal(collected, 1);
  }
  resident += WORTH_BYTES / 4;
  give();
  assert.equal(collected, 2, 'small things add up');
});

test('when this process has let go of much, it gives it back to the system', () => {
  const give = memoryGiver();
  give();
  const before = process.memoryUsage.rss();
  let much: Buffer[] = Array.from({ length: 100 }, () => Buffer.alloc(1_000_000, 1));
  assert.ok(process.memoryUsage.rss() - before > much.length * 900_000);
  much = [];
  give();
  assert.ok(process.memoryUsage.rss() - before < 50_000_000);
});
