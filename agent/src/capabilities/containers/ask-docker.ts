/** Asking Docker's own program. It talks to the daemon by its socket, so it needs no network. Source: docker(1). */
import { fault } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import type { ObserveContext } from '../capability.ts';

/**
 * The daemon of this server, by its socket: root's own configuration may name a context, and so another server. Source:
 * docker(1), "Environment variables"; it goes before a context.
 */
export const DOCKER_ENVIRONMENT = { DOCKER_HOST: 'unix:///var/run/docker.sock' } as const;

const ASK_MS = 10_000;
const BYTES = 8 * 1024 * 1024;

/** Runs `docker` with these arguments; whatever it ends with is the answer. */
export function runDocker(
  context: ObserveContext,
  args: readonly string[],
  { timeoutMs = ASK_MS, maxBytes = BYTES } = {},
): Promise<Executed> {
  const { signal } = context;
  return context.exec({ argv: ['docker', ...args], env: DOCKER_ENVIRONMENT, timeoutMs, maxBytes, signal });
}

/** What `docker` prints. Rejects with `capability_failed` where it is not installed, fails or says nothing in time. */
export async function askDocker(context: ObserveContext, args: readonly string[]): Promise<string> {
  const done = await runDocker(context, args);
  if (done.exitCode !== 0) throw dockerFailed(done);
  return done.stdout;
}

/** Why nothing could be learnt from Docker, as a fault. */
export function dockerFailed(done: Executed) {
  const reason =
    done.notStarted === 'ENOENT'
      ? 'Docker is not installed'
      : /cannot connect to the docker daemon|permission denied/i.test(done.stderr)
        ? 'the Docker daemon cannot be reached'
        : `docker ${howItEnded(done)}`;
  return fault('capability_failed', { capability: 'docker', reason });
}

/** The JSON values of an output that has one a line; what is none is left out. */
export function jsonLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}

/** A time as Docker prints it, in milliseconds since 1970; `null` for none (Go's zero time, year 1). */
export function dockerTime(text: string): number | null {
  const at = Date.parse(text);
  return Number.isNaN(at) || at <= 0 ? null : at;
}
