/** Starts the runner as a child, for a machine without systemd: it talks over its standard input and output. */
import type { Readable, Writable } from 'node:stream';
import { CLEAN_ENVIRONMENT } from './clean-environment.ts';

/**
 * Starts it in a process group of its own, so that Ctrl-C in a terminal does not cut a step in two. When we end, its standard
 * input closes: it finishes what it does and goes. Rejects with the system's error when it cannot be started.
 */
export async function startRunnerProcess(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ input: Readable; output: Writable }> {
  const { spawn } = await import('node:child_process'); // for those whose runner systemd does not start
  const [file = '', ...operands] = argv;
  const child = spawn(file, operands, {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    cwd: '/',
    env: { ...CLEAN_ENVIRONMENT, ...env },
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve({ input: child.stdout, output: child.stdin });
    });
  });
}
