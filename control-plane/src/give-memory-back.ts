/** Memory of this process. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '@countersign/protocol';
import type { Log } from './ports.ts';

/**
 * Gives back to the system what V8 keeps without need: by itself it does so only when memory is short. Everything else waits meanwhile, for
 * some tenths of a second, so call it seldom, and when nothing is going on.
 */
export function giveMemoryBack({ clock, log }: { readonly clock: Clock; readonly log: Log }): void {
  const residentMb = () => Math.round(process.memoryUsage.rss() / 1024 ** 2);
  const began = clock.monotonic();
  const before = residentMb();
  // An ordinary collection frees objects, but keeps the pages that they were on.
  collector()({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  const ms = Math.round(clock.monotonic() - began);
  log.info('memory.given_back', { resident_mb: residentMb(), resident_mb_before: before, ms });
}

let collect: NodeJS.GCFunction | undefined;

/** V8's own `gc`. A new context has it once the flag is set, also where Node was started without. */
function collector(): NodeJS.GCFunction {
  if (collect) return collect;
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as NodeJS.GCFunction;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
