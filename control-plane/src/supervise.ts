/** Keeps a child process running: started again when it ends, after a pause that grows while it keeps ending. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cancel, Clock } from '@countersign/protocol';
import type { Log } from './ports.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** A child that ran for so long was well; the next pause is short again. */
const WELL_AFTER_MS = 60_000;
const TERM_MS = 10_000;

export interface SupervisedChild {
  /** For the log. */
  readonly name: string;
  /** Program and arguments; no shell looks at it. */
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Takes each line that it prints. */
  readonly onLine: (line: string) => void;
}

/** Starts the child. Dispose of it to end both (SIGTERM, and SIGKILL after 10 s). */
export function supervise(child: SupervisedChild, { clock, log }: { clock: Clock; log: Log }): AsyncDisposable {
  let stopped = false;
  let pauseMs = FIRST_PAUSE_MS;
  let cancel: Cancel = () => undefined;
  let running: ChildProcess | undefined;

  const start = () => {
    const startedAt = clock.monotonic();
    const process = spawn(child.argv[0], child.argv.slice(1), {
      env: child.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running = process;
    for (const stream of [process.stdout, process.stderr]) readLines(stream, child.onLine);
    process.once('error', (error) => ended(`could not start: ${error.message}`, startedAt));
    process.once('exit', (code, signal) => ended(signal ? `ended by ${signal}` : `ended with ${code}`, startedAt));
  };
  const ended = (how: string, startedAt: number) => {
    running = undefined;
    if (stopped) return;
    if (clock.monotonic() - startedAt >= WELL_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
    log.warn('child.ended', { child: child.name, how, again_in_s: pauseMs / 1000 });
    cancel = clock.after(pauseMs, start);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
  };

  start();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      cancel();
      const last = running;
      if (!last?.pid) return;
      const gone = once(last, 'exit');
      last.kill('SIGTERM');
      const cancelKill = clock.after(TERM_MS, () => last.kill('SIGKILL'));
      await gone;
      cancelKill();
    },
  };
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(-10_000);
    for (const line of lines) onLine(line);
  });
}
