/** What a step printed. */
import { afterCommit } from '../storage/after-commit.ts';
import type { ActionDeps } from './action-deps.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { addDropped, insertOutput, lastChunk, outputLength } from './output.store.ts';
import { ownAction } from './own-action.ts';
import type { RecordDeps } from './record-started.ts';

export interface OutputChunk {
  readonly actionId: string;
  readonly step: string;
  /** Rises by one within an action. */
  readonly chunk: number;
  /** Redacted and freed of control characters. */
  readonly text: string;
  /** Bytes that were dropped before this chunk. */
  readonly dropped: number;
}

/**
 * Keeps a chunk; one that is there already changes nothing. Beyond the limit per step only the count of what was dropped grows,
 * so that a flood takes no room. Rejects with `action_not_found` for an action of another server.
 */
export function recordOutput(
  deps: RecordDeps & Pick<ActionDeps, 'limits'>,
  serverId: string,
  output: OutputChunk,
): Promise<void> {
  const { actionId, step, chunk } = output;
  return commitOrRefuse(deps.db, 'actions.record_output', async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'output');
    if (row instanceof Refusal) return row;
    const last = await lastChunk(trx, actionId);
    if (last !== undefined && chunk <= last) return;
    const room = deps.limits.outputPerStep - (await outputLength(trx, actionId, step));
    if (room <= 0 && last !== undefined) {
      await addDropped(trx, actionId, last, { chunk, dropped: output.dropped + Buffer.byteLength(output.text) });
    } else {
      const text = output.text.slice(0, Math.max(0, room)).toWellFormed();
      const cut = Buffer.byteLength(output.text) - Buffer.byteLength(text);
      await insertOutput(trx, { action_id: actionId, chunk, step, text, dropped: output.dropped + cut });
    }
    afterCommit(trx, () => deps.live.publish({ type: 'output', action: actionId }));
  });
}
