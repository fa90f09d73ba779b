import type { ResultOf } from '@countersign/protocol';
import type { ObserveContext } from '../capability.ts';
import { readDamage } from './damage.ts';
import { installedVersion, linkConnected, linkVersion } from './installed.ts';
import { removalIsSet } from './uninstall.ts';

/** Which version is installed, which one the link runs, and whether it is connected, and how much of it is damaged. */
export async function readAgentState(context: ObserveContext): Promise<ResultOf<'agent.state'>> {
  const installed = installedVersion();
  return {
    installed: installed ?? '',
    link: (await linkVersion(context)) ?? '',
    connected: await linkConnected(context),
    removal: await removalIsSet(context),
    damage: installed === null ? 0 : (await readDamage(installed, context)).length,
  };
}
