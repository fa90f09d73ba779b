/** Makes sure that a waiting action can reach somebody who may decide; one that cannot is withdrawn. */
import { Fault, fault } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import type { ApprovalChannel } from '../ports.ts';
import { write } from '../storage/write.ts';
import { actionById } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { applyTransition } from './apply-transition.ts';
import { policyOf } from './stored-policy.ts';

/** Rejects with `cannot_announce`, the action withdrawn, when no channel that policy accepts reaches anybody. */
export async function askSomebody(deps: ActionDeps, actionId: string): Promise<void> {
  const row = await actionById(deps.db, actionId);
  if (row?.state !== 'awaiting_approval') return;
  const { channels } = policyOf(row).ask;
  const usable = deps.channels.filter((channel) => channelCounts(channel.name, channels));
  const reached = await Promise.all(usable.map((channel) => reaches(deps, channel, actionId)));
  if (reached.includes(true)) return;
  try {
    await write(deps.db, (trx) =>
      applyTransition(deps, trx, {
        actionId,
        event: 'withdraw',
        cause: 'requester',
        who: whoIs('system'),
        at: deps.clock.now(),
        note: 'Nobody could be asked.',
        set: { finished_at: deps.clock.now() },
      }),
    );
  } catch (error) {
    // Somebody was quicker than we were: then somebody can be reached.
    if (error instanceof Fault && error.code === 'action_not_open') return;
    throw error;
  }
  throw fault('cannot_announce');
}

/** Whether a channel that shows cards is one by which policy accepts answers. People at the command line read the same inbox as the web. */
export function channelCounts(name: ApprovalChannel['name'], accepted: readonly string[]): boolean {
  return accepted.includes(name) || (name === 'web' && accepted.includes('cli'));
}

async function reaches(deps: ActionDeps, channel: ApprovalChannel, actionId: string): Promise<boolean> {
  try {
    return await channel.canReach(actionId);
  } catch (error) {
    deps.log.error('approval.channel_failed', { channel: channel.name, action: actionId, error });
    return false;
  }
}
