/** How long calls took, by phase of the run and by kind of call. */
import { percentile } from '../bench/statistics.ts';

export interface LatencyRow {
  readonly phase: string;
  readonly kind: string;
  readonly calls: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

export class Latencies {
  /** The phase that calls belong to which begin now. */
  phase = 'start';
  readonly #taken = new Map<string, Map<string, number[]>>();
  readonly #refused = new Map<string, Map<string, number>>();

  note(phase: string, kind: string, ms: number): void {
    entry(
      entry(this.#taken, phase, () => new Map<string, number[]>()),
      kind,
      () => [],
    ).push(ms);
  }

  /** A call got no answer, or one that says why not. */
  refused(phase: string, code: string): void {
    const codes = entry(this.#refused, phase, () => new Map<string, number>());
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }

  /** Whether a call of this kind was noted in a phase. */
  has(phase: string, kind: string): boolean {
    return this.#taken.get(phase)?.has(kind) ?? false;
  }

  rows(): LatencyRow[] {
    return [...this.#taken].flatMap(([phase, kinds]) =>
      [...kinds].toSorted().map(([kind, taken]) => ({
        ...{ phase, kind, calls: taken.length, p50: percentile(taken, 50), p90: percentile(taken, 90) },
        ...{ p99: percentile(taken, 99), longest: percentile(taken, 100) },
      })),
    );
  }

  /** Calls without a good answer, by phase and code. */
  refusals(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.#refused].map(([phase, codes]) => [phase, Object.fromEntries(codes)]));
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
