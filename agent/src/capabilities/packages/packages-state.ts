import type { Observer } from '../capability.ts';
import { heldBack, readArchives, readHalfDone, readPackageLockHolders, readUpgrades } from './apt.ts';

/** The state of the packages in a few figures. Rejects with `capability_failed` where apt does not answer. */
export const packagesState: Observer<'packages.state'> = async ({ hold }, context) => {
  const [half, upgrades] = [await readHalfDone(context), await readUpgrades(context)];
  return {
    lock_held: readPackageLockHolders().length > 0,
    half_done: half.length,
    security_updates: upgrades.filter(({ name, security }) => security && !heldBack(name, hold)).length,
    archive_bytes: readArchives().bytes,
  };
};
