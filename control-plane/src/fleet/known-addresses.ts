/**
 * From where agents have proven themselves since the start. Whoever comes from there again is let in before strangers, so that many of
 * these keep no agent out (threat T13). It is worth nothing more than a place in line. Behind a proxy all come from one address.
 */
const KEPT = 50_000;

export class KnownAddresses {
  /** The one that was heard of longest ago first. */
  readonly #all = new Set<string>();

  has(address: string | undefined): boolean {
    return address !== undefined && this.#all.has(address);
  }

  /** An agent has proven itself from there. */
  add(address: string | undefined): void {
    if (address === undefined) return;
    this.#all.delete(address);
    this.#all.add(address);
    if (this.#all.size <= KEPT) return;
    for (const oldest of this.#all) {
      this.#all.delete(oldest);
      return;
    }
  }
}
