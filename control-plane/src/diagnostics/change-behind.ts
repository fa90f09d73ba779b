/** Whether an action of ours on the same thing came shortly before trouble began. Pure. */
import type { Change, ChangeBehind, Joined } from './joined.ts';
import { sharedThing } from './things-of.ts';

/** How long before the trouble an action may have begun to be named as a likely cause. */
const BEFORE_MS = 15 * 60_000;
/** An action may break its thing in its last step. */
const DURING_MS = 60_000;

/**
 * The last such action, or `null`. Trouble whose beginning nobody knows counts as beginning now. `info` and `ok` are no trouble.
 */
export function changeBehind({ members }: Joined, changes: readonly Change[], now: number): ChangeBehind | null {
  const bad = members.filter(({ finding }) => finding.severity === 'critical' || finding.severity === 'warning');
  for (const change of changes.toSorted((a, b) => b.at - a.at))
    for (const { things, span } of bad) {
      const thing = sharedThing(things, new Set(change.things));
      const from = span.from ?? now;
      if (thing !== undefined && change.at <= from + DURING_MS && change.at >= from - BEFORE_MS)
        return { change, thing };
    }
  return null;
}
