/** Processor time, for tests that bound what hostile input costs: on a busy machine the clock on the wall says nothing of it. */

/** What this thread has worked so far, milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
