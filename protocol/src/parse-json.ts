/** JSON from a stranger. */

/** More than anything of ours nests. */
const LEVELS_MAX = 64;

/**
 * As `JSON.parse`, but text that nests deeper than {@link LEVELS_MAX} levels is no JSON either: whatever looks at it afterwards goes
 * down level by level, and its stack would end a process. Throws `SyntaxError`.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (nestsDeeper(value, LEVELS_MAX)) throw new SyntaxError(`it nests deeper than ${LEVELS_MAX} levels`);
  return value;
}

/** Goes down no further than `levels`, so that its own stack is bounded. Copies nothing: every frame comes by here. */
function nestsDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  for (const member of Array.isArray(value) ? value : Object.values(value))
    if (levels === 0 || nestsDeeper(member, levels - 1)) return true;
  return false;
}
