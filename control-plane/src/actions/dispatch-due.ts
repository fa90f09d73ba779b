/** Sends what may start. Safe to call at any time, any number of times. */
import { workIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { dispatch } from './dispatch.ts';
import { shareResource } from './plan-resources.ts';

const AT_ONCE = 16;

/** Dispatches approved actions, oldest first; of one server where it is given. Those on different things go side by side, and share a commit. */
export async function dispatchDue(deps: ActionDeps, { serverId }: { readonly serverId?: string } = {}): Promise<void> {
  for (const some of sideBySide(await workIn(deps.db, 'approved', serverId)))
    for (const outcome of await Promise.allSettled(some.map(({ id }) => dispatch(deps, id))))
      if (outcome.status === 'rejected') throw outcome.reason;
}

type Work = Awaited<ReturnType<typeof workIn>>[number];

/** In their order, as many together as work on different things: of two on the same thing the older one goes first. */
function sideBySide(works: readonly Work[]): Work[][] {
  const groups: Work[][] = [];
  for (const work of works) {
    const last = groups.at(-1);
    const fits = last && last.length < AT_ONCE && !last.some((other) => shareResource(other.resource, work.resource));
    if (fits) last.push(work);
    else groups.push([work]);
  }
  return groups;
}
