/** Memory of this process. */

/**
 * Gives back to the system what is free, down to the code that has not run for long; takes tens of milliseconds. V8 by itself does
 * so only when memory is short. Does nothing unless Node was started with `--expose-gc`, as the package's launcher does for the link.
 */
export function giveMemoryBack(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
