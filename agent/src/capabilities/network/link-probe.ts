import { fault, type ResultOf } from '@countersign/protocol';
import type { ObserveContext } from '../capability.ts';
import { readLinkPeers } from './link-connection.ts';
import { probeAddress } from './local-probe.ts';

/**
 * Whether the agent is still reached: an old connection may live on behind rules that let no new one out, so one is tried. It goes
 * to where the link is connected, which the server itself sees, and nothing is sent.
 */
export async function probeLink(context: ObserveContext): Promise<ResultOf<'agent.link'>> {
  const peers = await readLinkPeers(context);
  if (peers === null) throw fault('capability_failed', { capability: 'agent.link', reason: 'ss does not answer' });
  const [peer] = peers;
  if (peer === undefined) return { connected: false, reachable: false };
  const { open } = await probeAddress(context, peer.address, peer.port);
  return { connected: true, reachable: open };
}
