/** Randomness that a seed decides, so that whatever happens can happen again. */
import type { Ids } from '@countersign/protocol';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** A stream of random numbers (sfc32, whose state the seed fills by splitmix32). */
export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #n = 1;

  constructor(seed: number) {
    let mixed = seed >>> 0;
    const mix = () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      return (word ^ (word >>> 15)) >>> 0;
    };
    [this.#a, this.#b, this.#c] = [mix(), mix(), mix()];
    for (let n = 0; n < 8; n += 1) this.next();
  }

  /** In [0, 1). */
  next(): number {
    const word = (((this.#a + this.#b) | 0) + this.#n) | 0;
    this.#n = (this.#n + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + word) | 0;
    return (word >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0, smaller than `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** In [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }
}

/** Identifiers and secrets out of the same stream. */
export function simulatedIds(chance: Chance): Ids {
  const letters = (count: number) => Array.from({ length: count }, () => ALPHABET[chance.below(36)]).join('');
  return {
    id: (kind) => `${kind}_${letters(12)}`,
    secret: (prefix) => prefix + letters(43),
    random: () => chance.next(),
  };
}
