import { delay, durationMs } from '@countersign/protocol';
import { lstatOrNull } from '../../host/files.ts';
import type { Observer } from '../capability.ts';
import { readWriters } from './log-writers.ts';

const WAIT_MAX_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** Looks at a log file until something is written to it, for as long as `wait` at most. */
export const logFile: Observer<'log.file'> = async ({ path, wait }, context) => {
  const first = lstatOrNull(path);
  const until = context.clock.monotonic() + Math.min(durationMs(wait), WAIT_MAX_MS);
  let now = first;
  while (now !== null && now.mtimeMs === first?.mtimeMs && context.clock.monotonic() < until) {
    await delay(context.clock, LOOK_EVERY_MS, context.signal);
    now = lstatOrNull(path);
  }
  return {
    exists: now !== null,
    bytes: (now?.blocks ?? 0) * 512,
    writers: readWriters((open) => open === path).length,
    written: now !== null && first !== null && now.mtimeMs !== first.mtimeMs,
  };
};
