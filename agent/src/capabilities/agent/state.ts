import type { ResultOf } from '@countersign/protocol';
import type { ObserveContext } from '../capability.ts';
import { installedVersion, linkConnected, linkVersion } from './installed.ts';

/** Which version is installed, which one the link runs, and whether it is connected. */
export async function readAgentState(context: ObserveContext): Promise<ResultOf<'agent.state'>> {
  return {
    installed: installedVersion() ?? '',
    link: (await linkVersion(context)) ?? '',
    connected: await linkConnected(context),
  };
}
