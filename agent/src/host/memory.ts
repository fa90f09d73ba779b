/** Memory of this process. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What this process holds of the machine's memory now, and how to have it give back what it can. */
export interface Memory {
  readonly residentBytes: () => number;
  readonly collect: () => void;
}

/** Less than this is not worth a collection, which takes 30 to 50 ms of processors. */
export const WORTH_BYTES = 2 * 1024 * 1024;

/** Makes a function that gives back what is free, unless little was taken since it did so last: a word with the runner takes little. */
export function memoryGiver({ residentBytes, collect }: Memory = ownMemory): () => void {
  let left = 0;
  return () => {
    if (residentBytes() - left < WORTH_BYTES) return;
    collect();
    left = residentBytes();
  };
}

/** Down to the code that has not run for long. V8 by itself collects so only when memory is short. */
const ownMemory: Memory = {
  residentBytes: () => process.memoryUsage.rss(),
  collect: () => collector()({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
};

/** A new context has V8's own `gc` once the flag is set. It is not kept: the context would be. */
function collector(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
