/**
 * The level of the wire between agent and control plane: one integer that rises with every change of the messages.
 * A control plane speaks its own level and the one before.
 *
 * History
 * - 1 (2026-11-20): the first. open, challenge, hello, welcome, turned_away; heartbeat; observe, preview, dispatch, stop and
 *   their answers; alert; acknowledge; settings.
 * - 2 (2026-11-21): the lock. Plans name their request, approvals carry signatures, hello tells lock and witness; lock_changes,
 *   policy, confirm, checkpoint, ask_witness and their answers. Level 1 was never released, so it is not spoken any more.
 */
export const LEVEL = 2;
export const OLDEST_LEVEL = 2;

/** The highest level that both sides speak, or `undefined`. Both ranges are inclusive. */
export function negotiate(theirs: { readonly oldest: number; readonly newest: number }): number | undefined {
  const level = Math.min(LEVEL, theirs.newest);
  return level >= Math.max(OLDEST_LEVEL, theirs.oldest) ? level : undefined;
}
