import { Fault } from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { heldBack, readArchives, readHalfDone, readPackageLockHolders, readUpgrades } from './apt.ts';

/** The state of the packages in a few figures. Rejects with `capability_failed` where dpkg does not answer. */
export const packagesState: Observer<'packages.state'> = async ({ hold }, context) => {
  const [half, security] = await Promise.all([readHalfDone(context), countSecurity(hold, context)]);
  return {
    lock_held: readPackageLockHolders().length > 0,
    half_done: half.length,
    security_updates: security,
    archive_bytes: readArchives().bytes,
  };
};

/** `null` when apt cannot tell: with a package half installed it may refuse to look any further. */
async function countSecurity(hold: string | undefined, context: ObserveContext): Promise<number | null> {
  try {
    const upgrades = await readUpgrades(context);
    return upgrades.filter(({ name, security }) => security && !heldBack(name, hold)).length;
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}
