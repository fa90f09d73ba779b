import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AgentAlert, thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { Backoff } from '../../src/link/backoff.ts';
import { type Figures, judgeCertificates, judgeFigures, OomCount, Watch } from '../../src/link/watch.ts';

const thresholds = thresholdsSchema.parse({ forSeconds: 60 });
const well: Figures = {
  mounts: [{ mount: '/', usedRatio: 0.5 }],
  memoryUsedRatio: 0.2,
  load1PerCpu: 0.1,
  failedUnits: [],
  oomKills: 0,
};
const at = (seconds: number) => seconds * 1000;
const brief = (alerts: AgentAlert[]) =>
  alerts.map(({ kind, key, state, severity }) => `${kind} ${key} ${state} ${severity}`);

/** Feeds figures at given seconds and says what each round raised. */
function rounds(
  watch: Watch,
  fed: readonly [seconds: number, figures: Partial<Figures>][],
  limits = thresholds,
): string[][] {
  return fed.map(([seconds, figures]) =>
    brief(watch.take(judgeFigures({ ...well, ...figures }, limits, 0), at(seconds), at(seconds))),
  );
}

test('when a figure stays beyond its threshold for long enough, it fires once, and resolves once when it is back', () => {
  const full = { mounts: [{ mount: '/', usedRatio: 0.93 }] };
  assert.deepEqual(
    rounds(new Watch(), [
      [0, full],
      [30, full],
      [60, full],
      [90, full],
      [120, {}],
      [150, {}],
    ]),
    [[], [], ['disk / firing warning'], [], ['disk / resolved warning'], []],
  );
});

test('when a figure comes back in between, the time is counted anew', () => {
  const busy = { load1PerCpu: 9 };
  assert.deepEqual(
    rounds(new Watch(), [
      [0, busy],
      [30, {}],
      [60, busy],
      [90, busy],
      [120, busy],
    ]).flat(),
    ['load load firing warning'],
  );
});

test('when it gets worse, it fires again as critical', () => {
  const ratio = (usedRatio: number) => ({ mounts: [{ mount: '/', usedRatio }] });
  const raised = rounds(new Watch(), [
    [0, ratio(0.92)],
    [60, ratio(0.92)],
    [90, ratio(0.98)],
    [120, ratio(0.98)],
  ]);
  assert.deepEqual(raised.flat(), ['disk / firing warning', 'disk / firing critical']);
});

test('when several mounts and units are in trouble, each has its own alert, and what is gone is resolved', () => {
  const bad = {
    mounts: [
      { mount: '/', usedRatio: 0.95 },
      { mount: '/srv', usedRatio: 0.99 },
    ],
    failedUnits: ['a.service', 'b.service'],
  };
  const limits = { ...thresholds, forSeconds: 0 };
  const raised = rounds(
    new Watch(),
    [
      [0, bad],
      [30, { failedUnits: ['b.service'], mounts: [{ mount: '/', usedRatio: 0.95 }] }],
    ],
    limits,
  );
  assert.deepEqual(raised[0], [
    'disk / firing warning',
    'disk /srv firing critical',
    'failed_unit a.service firing warning',
    'failed_unit b.service firing warning',
  ]);
  assert.deepEqual(raised[1]?.sort(), ['disk /srv resolved critical', 'failed_unit a.service resolved warning']);
});

test('when nobody can say which units failed, nothing about units is resolved or raised', () => {
  const limits = { ...thresholds, forSeconds: 0 };
  const raised = rounds(
    new Watch(),
    [
      [0, { failedUnits: ['a.service'] }],
      [30, { failedUnits: null }],
      [60, { failedUnits: [] }],
    ],
    limits,
  );
  assert.deepEqual(raised, [['failed_unit a.service firing warning'], [], ['failed_unit a.service resolved warning']]);
});

test('when the link restarts, what fires is neither raised again nor forgotten', () => {
  const limits = { ...thresholds, forSeconds: 0 };
  const full = { mounts: [{ mount: '/', usedRatio: 0.93 }] };
  const first = new Watch();
  rounds(first, [[0, full]], limits);
  const second = new Watch(JSON.parse(JSON.stringify(first.state)));
  assert.deepEqual(
    rounds(
      second,
      [
        [1, full],
        [2, {}],
      ],
      limits,
    ),
    [[], ['disk / resolved warning']],
  );
});

test('when the kernel killed for memory, it fires at once and resolves a quarter of an hour later', () => {
  const watch = new Watch();
  const oom = new OomCount();
  const round = (minutes: number, kills: number) => {
    const recent = oom.take(kills, at(minutes * 60));
    return brief(watch.take(judgeFigures(well, thresholds, recent), at(minutes * 60), at(minutes * 60)));
  };
  assert.deepEqual(
    [round(0, 5), round(1, 5), round(2, 7), round(3, 7), round(16, 7), round(18, 7)],
    [[], [], ['oom kernel firing critical'], [], [], ['oom kernel resolved critical']],
  );
});

test('when a certificate nears its end, it fires, gets critical, and is resolved by renewal or removal', () => {
  const watch = new Watch();
  const day = 24 * 3_600_000;
  const round = (days: number | null) => {
    const found = days === null ? [] : [{ path: '/etc/letsencrypt/live/a/cert.pem', endsAt: days * day + 1 }];
    return watch
      .take(judgeCertificates(found, thresholds, 0), 0, 0)
      .map(({ state, severity, title }) => `${state} ${severity}: ${title}`);
  };
  assert.deepEqual(round(30), []);
  assert.deepEqual(round(13), ['firing warning: The certificate /etc/letsencrypt/live/a/cert.pem expires in 13 days']);
  assert.deepEqual(round(-2), ['firing critical: The certificate /etc/letsencrypt/live/a/cert.pem has expired']);
  assert.equal(round(89)[0]?.startsWith('resolved'), true);
  round(1);
  assert.equal(round(null)[0]?.startsWith('resolved'), true);
});

test('when the control plane said when to come back, the link waits that long and a little longer, and counts no failure', () => {
  const latest = new Backoff({ random: () => 0.999_999 });
  assert.equal(Math.round(latest.told(20_000)), 23_000);
  assert.equal(new Backoff({ random: () => 0 }).told(20_000), 20_000);
  assert.equal(new Backoff({ random: () => 0 }).told(0), 1000);
  assert.equal(Math.round(latest.next()), 2000);
});

test('when attempts fail, waits grow from 1 s up to 60 s, spread at random, and begin anew after a success', () => {
  const longest = new Backoff({ random: () => 0.999_999 });
  const waits = Array.from({ length: 9 }, () => Math.round(longest.next()));
  assert.deepEqual(waits, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  longest.reset();
  assert.equal(Math.round(longest.next()), 2000);
  const shortest = new Backoff({ random: () => 0 });
  assert.ok(Array.from({ length: 9 }, () => shortest.next()).every((wait) => wait === 1000));
});
