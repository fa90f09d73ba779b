/** Operations on the lock. What they keep binds no server: each follows the changes from its own pin. */

import { type ChangeLockDeps, changeLock } from '../lock/change-lock.ts';
import { type InitLockDeps, initLock } from '../lock/init-lock.ts';
import { lockView } from '../lock/lock-view.ts';
import type { Fleet } from '../ports.ts';
import type { Handlers } from './handler.ts';

export interface LockOperationsDeps extends InitLockDeps, ChangeLockDeps {
  readonly fleet: Pick<Fleet, 'isOnline'>;
}

export function lockOperations(deps: LockOperationsDeps): Pick<Handlers, 'getLock' | 'initLock' | 'changeLock'> {
  return {
    getLock: () => lockView({ db: deps.db, isOnline: (id) => deps.fleet.isOnline(id) }),
    initLock: async (caller, input) => {
      await initLock(deps, caller, input);
      return { done: true };
    },
    changeLock: (caller, { change }) => changeLock(deps, caller, change),
  };
}
