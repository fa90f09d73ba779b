/** Memory of this process. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back to the system what is free, down to the code that has not run for long; takes tens of milliseconds. V8 by itself does
 * so only when memory is short.
 */
export function giveMemoryBack(): void {
  collector()({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** A new context has V8's own `gc` once the flag is set. It is not kept: the context would be. */
function collector(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
