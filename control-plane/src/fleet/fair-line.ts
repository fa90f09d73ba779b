/**
 * Those who wait, by the address from which they come. Addresses take turns, each with the one of theirs that waits longest: whoever comes
 * a thousand times from one address makes those wait who come from there, and hardly anybody else (threat T13).
 */
export interface InLine {
  readonly address: string;
  /** When it came, on the monotonic clock. */
  readonly since: number;
}

export class FairLine<T extends InLine> {
  /** In the order in which they came. */
  readonly #all = new Map<object, T>();
  /** The address whose turn is next comes first. */
  readonly #turns = new Map<string, Set<object>>();

  get size(): number {
    return this.#all.size;
  }

  add(of: object, one: T): void {
    this.#all.set(of, one);
    const there = this.#turns.get(one.address);
    if (there) there.add(of);
    else this.#turns.set(one.address, new Set([of]));
  }

  delete(of: object): void {
    const one = this.#all.get(of);
    if (one === undefined) return;
    this.#all.delete(of);
    const there = this.#turns.get(one.address);
    there?.delete(of);
    if (there?.size === 0) this.#turns.delete(one.address);
  }

  /** Takes out whose turn it is. */
  take(): readonly [object, T] | undefined {
    for (const [address, there] of this.#turns) {
      for (const of of there) {
        const one = this.#all.get(of);
        this.delete(of);
        this.#turns.delete(address);
        if (there.size > 0) this.#turns.set(address, there);
        return one && [of, one];
      }
    }
    return undefined;
  }

  /** Takes out those who came before a time. */
  *takeOlder(than: number): Generator<T> {
    for (const [of, one] of this.#all) {
      if (one.since >= than) return;
      this.delete(of);
      yield one;
    }
  }

  /** How many have their turn before one who comes from there now. */
  before(address: string): number {
    const rounds = (this.#turns.get(address)?.size ?? 0) + 1;
    return Math.min(this.#all.size, rounds * this.#turns.size);
  }
}
