/**
 * A quick look at a text before thirty patterns go through it: which runs of three characters it holds. A pattern that cannot match without
 * certain words is spared where a run of each of them is missing. A look costs about as much as two patterns.
 */

/** What a pattern cannot match without: one of some words. Of each word its runs. */
export type Words = readonly Uint16Array[];

/** A character counts by five bits: small and capital letters are the same, and signs are taken for letters, which costs time and nothing else. */
const [BITS, FOLD] = [5, 31];
const RUNS = 1 << (3 * BITS);
/** Below so many characters a look costs more than it saves. */
const LOOK_MIN = 512;
/** Stands for all that is not ASCII. No word holds such, and none of it is equal to a letter where case is ignored. Source: ECMA-262, Canonicalize. */
export const OTHER = 128;
/** Below so many characters it is quicker to take them one by one. */
const ENCODE_MIN = 64;

const seen = new Uint8Array(RUNS);
const kept = new Uint8Array(128 * 1024);
const encoder = new TextEncoder();

/** The words of a pattern: ASCII, each of two characters or more. */
export function wordsOf(...words: readonly string[]): Words {
  return words.flatMap((word) => {
    const code = (at: number) => word.charCodeAt(at) & FOLD;
    // Two characters are a run with whatever stands before them.
    if (word.length === 2)
      return Array.from({ length: FOLD + 1 }, (_, before) => Uint16Array.of(runOf(before, code(0), code(1))));
    return [Uint16Array.from({ length: word.length - 2 }, (_, at) => runOf(code(at), code(at + 1), code(at + 2)))];
  });
}

const runOf = (first: number, second: number, third: number): number =>
  (first << (2 * BITS)) | (second << BITS) | third;

/** A code for each character of a text: of ASCII its own, of all others the same. Good until the next call. */
export function codesOf(text: string): Uint8Array {
  const { length } = text;
  const codes = length > kept.length ? new Uint8Array(length) : kept;
  if (length >= ENCODE_MIN) {
    const { read, written } = encoder.encodeInto(text, codes);
    // Only what is all ASCII has a byte for each character: other text needs more, and ends early.
    if (read === length && written === length) return codes;
  }
  for (let at = 0; at < length; at += 1) codes[at] = Math.min(text.charCodeAt(at), OTHER);
  return codes;
}

/** Looks at so many codes. What is returned tells, until the next call, whether any of some words may be there. */
export function lookAt(codes: Uint8Array, length: number): (words: Words) => boolean {
  if (length < LOOK_MIN) return () => true;
  seen.fill(0);
  let run = 0;
  for (let at = 0; at < length; at += 1) {
    run = ((run << BITS) | ((codes[at] ?? 0) & FOLD)) & (RUNS - 1);
    seen[run] = 1;
  }
  return mayHold;
}

const mayHold = (words: Words): boolean =>
  words.length === 0 || words.some((runs) => runs.every((run) => seen[run] === 1));
