/** Running `du` over one file system, gently and for a bounded time. Source: du(1), overlayfs (Documentation/filesystems). */
import type { Executed } from '../../host/execution.ts';
import { mountOf, readAllMounts } from '../../host/mounts.ts';
import type { ObserveContext } from '../capability.ts';

const MOUNTS_MAX = 200;

export interface DuRequest {
  readonly path: string;
  readonly options: readonly string[];
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly onOutput?: (text: string) => void;
}

/** `notStarted` is set when there is no `du`. */
export async function runDu(context: ObserveContext, request: DuRequest): Promise<Executed> {
  const du = ['du', ...stayOn(request.path), ...request.options, '--', request.path];
  const { timeoutMs, maxBytes, onOutput } = request;
  const run = (argv: string[]) =>
    context.exec({ argv, timeoutMs, maxBytes, signal: context.signal, ...(onOutput ? { onOutput } : {}) });
  const gently = await run(['ionice', '-c3', 'nice', '-n19', ...du]);
  return gently.notStarted === null ? gently : run(du);
}

/**
 * Options that keep it on one file system. On an overlay the files of one file system have several device numbers, so that
 * `--one-file-system` would leave most of them out; there the mounts below are named instead.
 */
function stayOn(path: string): string[] {
  const mounts = readAllMounts();
  const own = mountOf(path);
  if (mounts.findLast(({ mount }) => mount === own)?.type !== 'overlay') return ['--one-file-system'];
  const below = mounts
    .map(({ mount }) => mount)
    .filter((mount) => mount !== own && mount !== '/' && isBelow(mount, path));
  return [...new Set(below)].slice(0, MOUNTS_MAX).map((mount) => `--exclude=${mount.replace(/[*?[\]\\]/g, '\\$&')}`);
}

function isBelow(mount: string, path: string): boolean {
  return path === '/' || mount.startsWith(`${path}/`);
}
