/** JSON from a stranger. */

/** More than anything of ours nests. */
const LEVELS_MAX = 64;

/**
 * As `JSON.parse`, but text that nests deeper than {@link LEVELS_MAX} levels is no JSON either: whatever looks at it afterwards goes
 * down level by level, and its stack would end a process. Throws `SyntaxError`.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > LEVELS_MAX) throw new SyntaxError(`it nests deeper than ${LEVELS_MAX} levels`);
    level = level.flatMap((each) => (each !== null && typeof each === 'object' ? Object.values(each) : []));
  }
  return value;
}
