/** Patterns of names in which `*` stands for any characters. */

/** Whether a name fits a pattern in which `*` stands for any characters. */
export function fitsPattern(pattern: string, name: string): boolean {
  return new RegExp(`^${expressionOf(pattern)}$`, 's').test(name);
}

/** A regular expression, without anchors, that means the same in JavaScript and in Python. */
export function expressionOf(pattern: string): string {
  return pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '.*');
}
