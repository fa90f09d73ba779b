/** What a step printed. */
import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionOutputTable } from '../storage/tables.ts';
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
 * Keeps chunks of one action, in their order and in one transaction; one that is there already changes nothing. Beyond the limit
 * per step only the count of what was dropped grows, so that a flood takes no room. Rejects with `action_not_found` for an action
 * of another server.
 */
export function recordOutput(
  deps: RecordDeps & Pick<ActionDeps, 'limits'>,
  serverId: string,
  chunks: readonly [OutputChunk, ...OutputChunk[]],
): Promise<void> {
  const { actionId } = chunks[0];
  return commitOrRefuse(deps.db, 'actions.record_output', async (trx) => {
    const row = await ownAction(deps, trx, serverId, actionId, 'output');
    if (row instanceof Refusal) return row;
    await keep(deps, trx, actionId, chunks);
    afterCommit(trx, () => deps.live.publish({ type: 'output', action: actionId }));
  });
}

async function keep(
  { limits }: Pick<ActionDeps, 'limits'>,
  trx: Trx,
  actionId: string,
  chunks: readonly OutputChunk[],
): Promise<void> {
  const kept = new Map<string, number>();
  const rows: ActionOutputTable[] = [];
  let last = await lastChunk(trx, actionId);
  for (const { step, chunk, text: whole, dropped } of chunks) {
    if (last !== undefined && chunk <= last) continue;
    const length = kept.get(step) ?? (await outputLength(trx, actionId, step));
    const room = limits.outputPerStep - length;
    if (room <= 0 && last !== undefined) {
      const more = { chunk, dropped: dropped + Buffer.byteLength(whole) };
      const before = rows.pop();
      if (before === undefined) await addDropped(trx, actionId, last, more);
      else rows.push({ ...before, chunk, dropped: before.dropped + more.dropped });
      kept.set(step, length);
    } else {
      const text = whole.slice(0, Math.max(0, room)).toWellFormed();
      const cut = Buffer.byteLength(whole) - Buffer.byteLength(text);
      rows.push({ action_id: actionId, chunk, step, text, dropped: dropped + cut });
      kept.set(step, length + characters(text));
    }
    last = chunk;
  }
  if (rows.length > 0) await insertOutput(trx, rows);
}

/** As the database counts them: two surrogates are one. */
const characters = (text: string) => text.length - (text.match(/[\ud800-\udbff]/g)?.length ?? 0);
