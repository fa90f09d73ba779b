/** Runs test files, a process each, as many at a time as two cores bear, and tells of them as of one run. */
import { relative } from 'node:path';
import { PassThrough } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Two cores are full with two that work and two that wait, or with three that work. With more, all take so long that bounds come near. */
const [AT_ONCE, WORK_BESIDE_WAITING, WORK_ALONE] = [4, 2, 3];
const TEST_MS = 600_000;
/** Node bounds tests only: a file that works for ever, or leaves something open, would hold up the run. */
const FILE_MS = 900_000;

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
 * the thirty that took longest. A file may take `boundMs`; one that hears no SIGTERM then lives on and keeps this process from ending
 * by itself.
 *
 * @returns whether everything passed
 */
export async function runFiles(
  files: Readonly<Record<Kind, readonly string[]>>,
  boundMs: number = FILE_MS,
): Promise<boolean> {
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
    const file: Promise<void> = runFile({ path, boundMs }, seen, told).finally(() => running.delete(file));
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

interface Bounded {
  readonly path: string;
  readonly boundMs: number;
}

/** Runs a file to its end, then tells of it. Never rejects for what the tests in it do. */
async function runFile({ path, boundMs }: Bounded, seen: Seen, told: PassThrough): Promise<void> {
  const began = performance.now();
  const bound = new AbortController();
  const timer = setTimeout(() => bound.abort(new Error(`not over within ${boundMs / 1000} s`)), boundMs);
  const events = [];
  const options = { files: [path], concurrency: 1, timeout: TEST_MS, signal: bound.signal };
  for await (const event of run(options)) events.push(event);
  clearTimeout(timer);
  let [isWell, hasToldAll] = [false, false];
  for (const event of events) {
    const { type, data } = event;
    if (type === 'test:fail' && (data.todo === undefined || data.todo === false)) seen.passed = false;
    if (type === 'test:summary' && data.file !== undefined) hasToldAll = true;
    // What has no file is about the run, which is one file here: only the sum is told.
    if (type === 'test:summary' && data.file === undefined) {
      isWell = data.success;
      for (const name of Object.keys(seen.counts) as (keyof Counts)[]) seen.counts[name] += data.counts[name];
    } else if (type !== 'test:diagnostic' || data.file !== undefined) told.write(event);
  }
  if (!isWell) seen.passed = false;
  else if (!hasToldAll) tellOfEarlyEnd(path, seen, told);
  seen.seconds.set(relative(process.cwd(), path), Math.round((performance.now() - began) / 1000));
}

/** For Node a file has passed that ends with code 0 in the middle of a test, or has none. */
function tellOfEarlyEnd(path: string, seen: Seen, told: PassThrough): void {
  seen.passed = false;
  seen.counts.tests += 1;
  seen.counts.failed += 1;
  const details = { duration_ms: 0, error: new Error('the file ended before it had run its tests, or has none') };
  told.write({
    type: 'test:fail',
    data: { name: path, nesting: 0, testNumber: 1, file: path, line: 1, column: 1, details },
  });
}
