/** Runs test files, a process each, as many at a time as two cores bear, and tells of them as of one run. */
import { relative } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Two cores are full with two that work and two that wait, or with three that work. With more, all take so long that bounds come near. */
const [AT_ONCE, WORK_BESIDE_WAITING, WORK_ALONE] = [4, 2, 3];
/** Of a file. */
const TIMEOUT_MS = 600_000;

/** `busy` is what works nearly all the time, `waiting` what waits for servers and uses less than half a core. */
export type Kind = 'busy' | 'waiting';

type Counts = Record<'tests' | 'suites' | 'passed' | 'failed' | 'cancelled' | 'skipped' | 'todo', number>;

/** What was seen of the files that have ended. */
interface Seen {
  readonly counts: Counts;
  readonly seconds: Map<string, number>;
  passed: boolean;
}

/**
 * Runs the files of both kinds, each kind in its order, and prints what they tell, each file in one piece; at the end the counts and
 * the thirty that took longest.
 *
 * @returns whether everything passed
 */
export async function runFiles(files: Readonly<Record<Kind, readonly string[]>>): Promise<boolean> {
  const began = performance.now();
  const counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  const seen: Seen = { counts, seconds: new Map(), passed: true };
  const told = new PassThrough({ objectMode: true });
  const printed = told.compose(new spec());
  printed.pipe(process.stdout, { end: false });
  const left = { busy: [...files.busy], waiting: [...files.waiting] };
  const running = new Map<Promise<void>, Kind>();
  const count = (kind: Kind) => [...running.values()].filter((it) => it === kind).length;
  for (;;) {
    const kind = nextKind(
      { busy: left.busy.length, waiting: left.waiting.length },
      { busy: count('busy'), waiting: count('waiting') },
    );
    const path = kind && left[kind].shift();
    if (kind === undefined || path === undefined) {
      if (running.size === 0) break;
      await Promise.race(running.keys());
      continue;
    }
    const file: Promise<void> = runFile(path, seen, told).finally(() => running.delete(file));
    running.set(file, kind);
  }
  const { passed, failed, tests, suites, ...others } = counts;
  const all = { tests, suites, pass: passed, fail: failed, ...others, duration_ms: performance.now() - began };
  for (const [name, value] of Object.entries(all))
    told.write({ type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${value}`, level: 'info' } });
  const shown = Promise.withResolvers<void>();
  printed.once('end', shown.resolve);
  told.end();
  await shown.promise;
  const longest = [...seen.seconds].sort((a, b) => b[1] - a[1]).slice(0, 30);
  for (const [file, taken] of longest) process.stdout.write(`${String(taken).padStart(5)} s  ${file}\n`);
  return seen.passed;
}

/** Of which kind the next file is to be, `undefined` when none may begin now. Busy ones first, since they are the most work. */
export function nextKind(
  left: Readonly<Record<Kind, number>>,
  running: Readonly<Record<Kind, number>>,
): Kind | undefined {
  if (running.busy + running.waiting >= AT_ONCE) return undefined;
  const mayWork = running.waiting + left.waiting === 0 ? WORK_ALONE : WORK_BESIDE_WAITING;
  if (left.busy > 0 && running.busy < mayWork) return 'busy';
  return left.waiting > 0 ? 'waiting' : undefined;
}

/** Runs a file to its end, then tells of it. Never rejects for what the tests in it do. */
async function runFile(path: string, seen: Seen, told: PassThrough): Promise<void> {
  const began = performance.now();
  const events = [];
  for await (const event of run({ files: [path], concurrency: 1, timeout: TIMEOUT_MS })) events.push(event);
  for (const event of events) {
    const { type, data } = event;
    if (type === 'test:fail' && (data.todo === undefined || data.todo === false)) seen.passed = false;
    // What has no file is about the run, which is one file here: only the sum is told.
    if (type === 'test:summary' && data.file === undefined) {
      if (!data.success) seen.passed = false;
      for (const name of Object.keys(seen.counts) as (keyof Counts)[]) seen.counts[name] += data.counts[name];
    } else if (type !== 'test:diagnostic' || data.file !== undefined) told.write(event);
  }
  seen.seconds.set(relative(process.cwd(), path), Math.round((performance.now() - began) / 1000));
}
