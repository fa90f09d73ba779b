/** Patterns of names: `*` stands for any characters. */

/** Whether a name fits a pattern in which `*` stands for any characters. */
export function fitsPattern(pattern: string, name: string): boolean {
  return meets(pattern, name, (sign, character) => sign === character);
}

/** The same, and `?` stands for any one character. */
export function fitsWildcard(pattern: string, name: string): boolean {
  return meets(pattern, name, (sign, character) => sign === '?' || sign === character);
}

/**
 * Patterns come from strangers too. As a regular expression, `*a*a*a*a*b` would take years over some names; here the last star alone
 * is tried again, so the time is that of the two lengths multiplied at most.
 */
function meets(pattern: string, name: string, isOne: (sign: string, character: string) => boolean): boolean {
  let [at, star, from] = [0, -1, 0];
  for (let n = 0; n < name.length; ) {
    const sign = pattern[at];
    if (sign === '*') {
      [star, from] = [at, n];
      at += 1;
    } else if (sign !== undefined && isOne(sign, name[n] ?? '')) {
      at += 1;
      n += 1;
    } else if (star >= 0) {
      from += 1;
      [at, n] = [star + 1, from];
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}

/** A regular expression, without anchors, that means the same in JavaScript and in Python. */
export function expressionOf(pattern: string): string {
  return pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '.*');
}
