import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lineLog } from '../../src/host/log.ts';
import { Outbox } from '../../src/link/outbox.ts';

const log = lineLog(
  'test',
  () => 0,
  () => undefined,
);
const started = (index: number) => ({
  type: 'started' as const,
  actionId: `act_${String(index).padStart(12, '0')}`,
  at: 1,
});
const alert = (index: number) => ({
  type: 'alert' as const,
  alert: {
    kind: 'disk' as const,
    key: `/${index}`,
    state: 'firing' as const,
    severity: 'warning' as const,
    title: 'full',
    at: 1,
  },
});

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-outbox-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function withOutbox<T>(folder: string, work: (outbox: Outbox) => T, entriesMax?: number): T {
  const outbox = Outbox.open(folder, log, entriesMax);
  try {
    return work(outbox);
  } finally {
    outbox.close();
  }
}

const numbers = (outbox: Outbox) => outbox.waiting.map(({ message }) => message.seq);

test('when the link restarts, unacknowledged messages are there with their numbers, and new ones go on counting', (t) => {
  const folder = folderOf(t);
  withOutbox(folder, (outbox) => {
    for (let index = 0; index < 4; index += 1) outbox.put(`started ${index}`, started(index));
    assert.deepEqual(
      outbox.acknowledge(1).map(({ message }) => message.seq),
      [0, 1],
    );
    assert.deepEqual(outbox.acknowledge(1), []);
  });
  withOutbox(folder, (outbox) => {
    assert.deepEqual(numbers(outbox), [2, 3]);
    outbox.acknowledge(3);
  });
  withOutbox(folder, (outbox) => {
    assert.deepEqual(numbers(outbox), []);
    assert.equal(outbox.put('x', started(9))?.message.seq, 4, 'a number is never used twice');
  });
});

test('when the same report is told twice, it is kept once', (t) => {
  withOutbox(folderOf(t), (outbox) => {
    assert.notEqual(outbox.put('started a', started(1)), null);
    assert.equal(outbox.put('started a', started(1)), null);
    assert.equal(outbox.waiting.length, 1);
  });
});

test('when a crash cut the last line off, the rest is read', (t) => {
  const folder = folderOf(t);
  withOutbox(folder, (outbox) => outbox.put('a', started(1)));
  appendFileSync(join(folder, 'outbox.ndjson'), '{"key":"b","mess');
  withOutbox(folder, (outbox) => {
    assert.deepEqual(numbers(outbox), [0]);
    outbox.put('c', started(2));
  });
  withOutbox(folder, (outbox) => assert.deepEqual(numbers(outbox), [0, 1]));
});

test('when the outbox is full, alerts make room for reports, and a report that finds none is left to the runner', (t) => {
  const folder = folderOf(t);
  withOutbox(
    folder,
    (outbox) => {
      for (let index = 0; index < 10; index += 1) outbox.put(`alert ${index}`, alert(index));
      for (let index = 0; index < 50; index += 1) assert.notEqual(outbox.put(`started ${index}`, started(index)), null);
      assert.equal(outbox.put('one more', started(2000)), null);
      assert.equal(outbox.waiting.length, 50);
      assert.ok(outbox.waiting.every(({ message }) => message.type === 'started'));
    },
    50,
  );
  withOutbox(folder, (outbox) => assert.equal(outbox.waiting.length, 50));
});

test('when much went through it, the file is made short again and nothing waiting is lost', (t) => {
  const folder = folderOf(t);
  withOutbox(folder, (outbox) => {
    outbox.put('first', started(1));
    const long = { ...alert(1), alert: { ...alert(1).alert, title: 'x'.repeat(300), key: 'y'.repeat(500) } };
    for (let index = 0; index < 6000; index += 1) outbox.put(`alert ${index}`, long);
    outbox.acknowledge(5990);
    assert.ok(statSync(join(folder, 'outbox.ndjson')).size < 100_000);
    assert.equal(outbox.put('last', started(2))?.message.seq, 6001);
  });
  withOutbox(folder, (outbox) => assert.equal(outbox.waiting.at(-1)?.message.seq, 6001));
});
