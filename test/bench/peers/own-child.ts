/** A child process that ends with what started it: nothing is left behind, and nothing else is ended. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface OwnChild extends AsyncDisposable {
  readonly pid: number;
  readonly process: ChildProcess;
  /** What it printed so far, both streams. */
  printed(): string;
}

const GRACE_MS = 5000;

/** What still runs, to be ended with this process when it is interrupted. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function startChild(program: string, argv: readonly string[], options: SpawnOptions = {}): OwnChild {
  const child = spawn(program, [...argv], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-20_000);
    });
  child.on('error', (error) => {
    text += String(error);
  });
  return {
    pid: child.pid ?? 0,
    process: child,
    printed: () => text,
    [Symbol.asyncDispose]: async () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const bound = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await ended;
      clearTimeout(bound);
    },
  };
}
