/** Keeps every copy of every card as the action is: announces what waits, brings the rest up to date. */
import { actionById, liveIds } from '../actions/action.store.ts';
import { channelCounts } from '../actions/ask-somebody.ts';
import { oneAtATime } from '../actions/one-at-a-time.ts';
import { policyOf } from '../actions/stored-policy.ts';
import type { ActionFollower, ApprovalChannel, Core } from '../ports.ts';

export interface Announcer extends ActionFollower, AsyncDisposable {
  actionChanged(actionId: string): void;
  /** Brings the cards up to date of all actions that can still change, or ended within `endedMs`. */
  sweep(endedMs: number): Promise<void>;
}

const AT_ONCE = 20;

type Deps = Pick<Core, 'db' | 'clock' | 'log'> & { readonly channels: readonly ApprovalChannel[] };

/**
 * Calls the channels, one call at a time per action and channel; changes that come meanwhile are told afterwards, once. A
 * channel that fails keeps no other one waiting.
 */
export function makeAnnouncer(deps: Deps): Announcer {
  const { db, clock, log, channels } = deps;
  const tellings = oneAtATime(log, 'approval.channel_failed', (key) => {
    const [name, actionId = ''] = key.split(' ');
    const channel = channels.find((it) => it.name === name);
    return channel ? tell(deps, channel, actionId) : Promise.resolve();
  });
  const keeping = () => channels.filter(({ keepsCopies }) => keepsCopies);
  const tellAll = (actionId: string) => keeping().map(({ name }) => tellings.start(`${name} ${actionId}`));
  return {
    actionChanged(actionId) {
      void Promise.all(tellAll(actionId));
    },
    async sweep(endedMs) {
      if (keeping().length === 0) return;
      const ids = await liveIds(db, clock.now() - endedMs);
      // A few at once: whoever asks the store for something else does not wait for all that ended in a day.
      for (let n = 0; n < ids.length; n += AT_ONCE) await Promise.all(ids.slice(n, n + AT_ONCE).flatMap(tellAll));
    },
    [Symbol.asyncDispose]: () => tellings.idle(),
  };
}

async function tell({ db }: Deps, channel: ApprovalChannel, actionId: string): Promise<void> {
  const row = await actionById(db, actionId);
  if (!row) return;
  const asked = row.state === 'awaiting_approval' && channelCounts(channel.name, policyOf(row).ask.channels);
  if (asked) await channel.announce(actionId);
  await channel.update(actionId);
}
