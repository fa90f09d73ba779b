/** Keeps every copy of every card as the action is: announces what waits, brings the rest up to date. */
import { actionById, liveIds } from '../actions/action.store.ts';
import { channelCounts } from '../actions/ask-somebody.ts';
import { policyOf } from '../actions/stored-policy.ts';
import type { ActionFollower, ApprovalChannel, Core } from '../ports.ts';

const ENDED_MS = 86_400_000;

export interface Announcer extends ActionFollower, AsyncDisposable {
  /** Brings the cards up to date of all actions that can still change, or ended within a day. For the start, and for when a channel came back. */
  sweep(): Promise<void>;
}

/**
 * Calls the channels, one call at a time per action and channel; a change that comes meanwhile is told afterwards, once. A channel
 * that fails keeps no other one waiting.
 */
export function makeAnnouncer(
  deps: Pick<Core, 'db' | 'clock' | 'log'> & { readonly channels: readonly ApprovalChannel[] },
): Announcer {
  const { db, log, channels } = deps;
  const underWay = new Map<string, { again: boolean; done: Promise<void> }>();

  const tell = async (channel: ApprovalChannel, actionId: string) => {
    const row = await actionById(db, actionId);
    if (!row) return;
    const asked = row.state === 'awaiting_approval' && channelCounts(channel.name, policyOf(row).ask.channels);
    if (asked) await channel.announce(actionId);
    await channel.update(actionId);
  };
  const run = async (channel: ApprovalChannel, actionId: string, turn: { again: boolean }) => {
    const key = `${channel.name} ${actionId}`;
    try {
      do {
        turn.again = false;
        await tell(channel, actionId);
      } while (turn.again);
    } catch (error) {
      log.error('approval.channel_failed', { channel: channel.name, action: actionId, error });
    } finally {
      underWay.delete(key);
    }
  };
  const start = (channel: ApprovalChannel, actionId: string) => {
    const key = `${channel.name} ${actionId}`;
    const present = underWay.get(key);
    if (present) {
      present.again = true;
      return present.done;
    }
    const turn = { again: false, done: Promise.resolve() };
    underWay.set(key, turn);
    turn.done = run(channel, actionId, turn);
    return turn.done;
  };
  return {
    actionChanged(actionId) {
      for (const channel of channels) void start(channel, actionId);
    },
    async sweep() {
      const ids = await liveIds(db, deps.clock.now() - ENDED_MS);
      await Promise.all(ids.flatMap((id) => channels.map((channel) => start(channel, id))));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...underWay.values()].map(({ done }) => done));
    },
  };
}
