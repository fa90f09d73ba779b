/** Small statistics. Figures of a round are condensed to a median and a spread; nothing is averaged, since one pause would show in it. */

/** The rounds of one figure: the middle one, the lowest and the highest. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The p-th percentile (0 to 100) of some numbers, by the nearest rank; NaN of none. */
export function percentile(numbers: readonly number[], p: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((p / 100) * sorted.length) - 1))] ?? Number.NaN;
}

/** The middle one; of an even number, the mean of the two in the middle. NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [below, above] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return below === undefined || above === undefined ? Number.NaN : (below + above) / 2;
}

export function spreadOf(numbers: readonly number[]): Spread {
  return { median: median(numbers), low: Math.min(...numbers), high: Math.max(...numbers) };
}

/** Ours over the peer's, round by round: what slows the whole machine for a while slows both, and falls out. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) throw new RangeError(`${ours.length} rounds against ${theirs.length}`);
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}

/** Runs something many times, one after the other; returns the milliseconds of each run. The first `warm` runs do not count. */
export async function timings(times: number, work: (n: number) => Promise<unknown>, warm = 0): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < times + warm; n += 1) {
    const began = performance.now();
    await work(n);
    if (n >= warm) taken.push(performance.now() - began);
  }
  return taken;
}

/** Runs something `times` times, `atOnce` at a time; returns how many ended per second. */
export async function perSecond(times: number, atOnce: number, work: (n: number, lane: number) => Promise<unknown>) {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      while (next < times) {
        const n = next;
        next += 1;
        await work(n, lane);
      }
    }),
  );
  return (times / (performance.now() - began)) * 1000;
}
