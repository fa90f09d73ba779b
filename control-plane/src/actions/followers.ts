/** Who is told when an action changed: the announcer, the dispatcher, and callers that wait for one action. */
import type { ActionState } from '@countersign/protocol';
import type { ActionFollower, Log } from '../ports.ts';

export interface Followers {
  /** Adds a follower; the returned function takes it off again. */
  add(follower: ActionFollower): () => void;
  /** Tells all of them, after the change was committed. Never throws: a follower that fails has its sweep. */
  notify(actionId: string, state: ActionState): void;
}

export function makeFollowers(log: Log): Followers {
  const all = new Set<ActionFollower>();
  return {
    add(follower) {
      all.add(follower);
      return () => all.delete(follower);
    },
    notify(actionId, state) {
      for (const follower of [...all]) {
        try {
          follower.actionChanged(actionId, state);
        } catch (error) {
          log.error('action.follower_failed', { action: actionId, error });
        }
      }
    },
  };
}
