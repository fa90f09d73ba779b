import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineLog } from '../../src/host/log.ts';
import { Heartbeat } from '../../src/link/heartbeat.ts';
import { HandClock } from './hand-clock.ts';

const SAMPLE = {
  ...{ at: 0, load1PerCpu: 0, memoryUsedRatio: 0, swapUsedRatio: 0, fullestMount: null, failedUnits: null, uptimeS: 1 },
};

/** A heartbeat of a link whose wire writes down what it is told. */
function begin(everyMs: number) {
  const clock = new HandClock();
  const told: string[] = [];
  const wire = {
    ...{ isOpen: true, waiting: 0, close: () => undefined, listen: () => undefined },
    send: () => told.push('heartbeat'),
    ping: () => told.push('ping'),
    cut: () => told.push('cut'),
  };
  const log = lineLog('link', clock.now, (line) => assert.fail(line));
  const heartbeat = new Heartbeat({ wire, clock, log, everyMs, sample: async () => SAMPLE });
  /** Goes on by so long; resolves with what the wire was told meanwhile. */
  const pass = async (ms: number) => {
    clock.pass(ms);
    await new Promise(setImmediate);
    return told.splice(0);
  };
  return { clock, heartbeat, pass };
}

test('when a heartbeat is due, it goes out with a ping, so that a link wakes up four times a minute', async () => {
  const { clock, heartbeat, pass } = begin(30_000);
  assert.deepEqual(await pass(0), ['heartbeat'], 'it begins with one');
  for (let minute = 0; minute < 2; minute += 1) {
    for (const expected of [['ping'], ['ping', 'heartbeat']]) {
      assert.deepEqual(await pass(14_999), []);
      assert.deepEqual(await pass(1), expected);
      assert.equal(clock.waiting, 1, 'one timer for both');
      heartbeat.heard();
    }
  }
  heartbeat.end();
  assert.equal(clock.waiting, 0);
});

test('F7: when the other side falls silent, the link is cut within 30 s, and has at least 10 s to answer', async () => {
  for (const everyMs of [1000, 7000, 10_000, 29_000, 30_000, 31_000, 600_000]) {
    const { clock, heartbeat, pass } = begin(everyMs);
    await pass(0);
    let silentAt = clock.now();
    let askedAt: number | null = null;
    // It answers for a while. What it said last came right after a ping.
    for (let asked = 0; asked < 5; ) {
      asked += (await pass(100)).filter((word) => word === 'ping').length;
      heartbeat.heard();
      silentAt = clock.now();
    }
    for (;;) {
      const told = await pass(100);
      if (told.includes('cut')) break;
      if (told.includes('ping')) askedAt ??= clock.now();
      assert.ok(clock.now() - silentAt <= 30_000 + 100, `with a heartbeat each ${everyMs} ms it is cut within 30 s`);
    }
    assert.ok(askedAt !== null && clock.now() - askedAt >= 10_000 - 100, `${everyMs}: time to answer`);
  }
});

test('when a sample takes longer than the time between heartbeats, none is taken beside it', async () => {
  const clock = new HandClock();
  let under = 0;
  let most = 0;
  const samples: (() => void)[] = [];
  const heartbeat = new Heartbeat({
    ...{ clock, everyMs: 1000, log: lineLog('link', clock.now, (line) => assert.fail(line)) },
    wire: {
      ...{ isOpen: true, waiting: 0, send: () => undefined, ping: () => undefined, cut: () => undefined },
      ...{ close: () => undefined, listen: () => undefined },
    },
    sample: async () => {
      under += 1;
      most = Math.max(most, under);
      await new Promise<void>((resolve) => samples.push(resolve));
      under -= 1;
      return SAMPLE;
    },
  });
  for (let second = 0; second < 5; second += 1) clock.pass(1000);
  assert.equal(samples.length, 1);
  samples[0]?.();
  await new Promise(setImmediate);
  clock.pass(1000);
  assert.equal(samples.length, 2);
  assert.equal(most, 1);
  heartbeat.end();
});
