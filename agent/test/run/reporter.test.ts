import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Journal } from '@countersign/agent/run/journal';
import { Reporter, stepMessage } from '@countersign/agent/run/reporter';
import type { FromRunner } from '@countersign/agent/run/runner-wire';
import { type Clock, systemClock } from '@countersign/protocol';
import { command, draftOf, grantOf, makeBed, planOf } from './bed.ts';

/** A clock whose timers fire when the test says so. */
function stillClock() {
  const due = new Set<() => void>();
  const waits: number[] = [];
  const clock: Clock = {
    ...{ now: () => systemClock.now(), monotonic: () => 0 },
    after(ms, then) {
      waits.push(ms);
      due.add(then);
      return () => due.delete(then);
    },
  };
  const pass = () => {
    for (const then of [...due]) {
      due.delete(then);
      then();
    }
  };
  return { clock, pass, due, waits };
}

async function begun(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-reporter-'));
  t.after(() => rmSync(folder, { recursive: true }));
  using bed = makeBed();
  const grant = grantOf(bed, await planOf(bed, draftOf([command('one', 'true')])));
  const { actionId, digest } = grant.grant;
  const { clock, pass, due, waits } = stillClock();
  const journal = Journal.open(folder, clock);
  journal.append({ kind: 'intent', actionId, digest, grant, bootId: 'boot' });
  journal.append({ kind: 'started', actionId });
  const told: string[] = [];
  const reporter = new Reporter(journal, clock, () => []);
  const listen = (message: FromRunner) => {
    told.push(message.type === 'report' ? message.report.kind : message.type);
  };
  const detach = reporter.attach(listen);
  told.length = 0;
  reporter.report(actionId, 'started');
  reporter.step(stepMessage(actionId, 1, 'one', 'running'));
  const print = (chunk: number, text = 'x') => reporter.output({ actionId, step: 'one', chunk, text, dropped: 0 });
  const end = () => {
    const result = {
      outcome: 'succeeded',
      summary: 'Done.',
      steps: [],
      check: null,
      undo: { state: 'not_needed', steps: [] },
    };
    const times = { startedAt: 1, finishedAt: 2, journalHead: journal.head };
    journal.append({ kind: 'result', actionId, result: { ...result, ...times } as never });
    reporter.report(actionId, 'finished');
  };
  return { told, pass, due, waits, print, end, reporter, actionId, journal, detach, listen };
}

test('when an action is over in a moment, links are told what it printed and its end, and never of its start', async (t) => {
  const { told, due, print, end, actionId, journal, reporter, detach, listen } = await begun(t);
  print(0);
  assert.deepEqual(told, []);
  end();
  assert.deepEqual(told, ['output', 'finished']);
  assert.equal(due.size, 0);
  journal.append({ kind: 'kept', actionId, report: 'finished' });
  detach();
  told.length = 0;
  reporter.attach(listen);
  assert.deepEqual(told, [], 'who has the end needs no news of the start');
});

test('when an action takes longer, links are told that it started and where it is, before all that it prints', async (t) => {
  const { told, pass, print, end } = await begun(t);
  print(0);
  pass();
  assert.deepEqual(told, ['started', 'step', 'output']);
  print(1);
  pass();
  end();
  assert.deepEqual(told, ['started', 'step', 'output', 'output', 'finished']);
});

test('when an action prints much at once, that is not held back, and its start is told if it takes longer', async (t) => {
  const { told, pass, print, end } = await begun(t);
  print(0);
  print(1, 'x'.repeat(20_000));
  assert.deepEqual(told, ['output', 'output']);
  pass();
  assert.deepEqual(told, ['output', 'output', 'started', 'step']);
  print(2, 'x'.repeat(20_000));
  print(3);
  end();
  assert.deepEqual(told.slice(4), ['output', 'output', 'finished']);
});

test('when an action prints much and is over in a moment, links are never told of its start', async (t) => {
  const { told, due, print, end } = await begun(t);
  for (let n = 0; n < 3; n += 1) print(n, 'x'.repeat(20_000));
  end();
  assert.deepEqual(told, ['output', 'output', 'output', 'finished']);
  assert.equal(due.size, 0);
});

test('when a link comes before the news are told, it hears of the start once more at most', async (t) => {
  const { told, pass, reporter, detach, listen } = await begun(t);
  detach();
  reporter.attach(listen);
  assert.deepEqual(told, ['started']);
  pass();
  assert.deepEqual(told, ['started', 'started', 'step']);
});

test('when many actions begin at once, their news wait longer, and no longer than a quarter of a second', async (t) => {
  const { told, pass, waits, reporter } = await begun(t);
  assert.deepEqual(waits, [25]);
  for (let n = 0; n < 20; n += 1) reporter.step(stepMessage(`act_${n}`, 1, 'one', 'running'));
  assert.deepEqual(waits.slice(0, 4), [25, 50, 75, 100]);
  assert.equal(Math.max(...waits), 250);
  pass();
  assert.equal(told.length, 22);
});
