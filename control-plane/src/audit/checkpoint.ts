/** Signs the head of the audit log, so that a shortened or rewritten log can be told from the real one. */
import type { Cancel } from '@countersign/protocol';
import { type Checkpoint, writeNote } from '@countersign/protocol/checkpoint-note';
import type { SigningKey } from '@countersign/protocol/signing';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { insertCheckpoint, lastCheckpoint, lastEntry } from './audit.store.ts';

export interface CheckpointDeps extends Pick<Core, 'db' | 'clock' | 'log'> {
  /** The control plane's own key. */
  readonly key: SigningKey;
}

/** Makes a checkpoint of all entries so far. Returns it, or the last one when nothing is new; `null` while the log is empty. */
export function checkpoint({
  db,
  clock,
  key,
}: Omit<CheckpointDeps, 'log'>): Promise<(Checkpoint & { note: string }) | null> {
  return write(db, 'audit.checkpoint', async (trx) => {
    const last = await lastEntry(trx);
    if (!last) return null;
    const before = await lastCheckpoint(trx);
    if (before && before.size >= last.seq) return before;
    const made = { size: last.seq, head: last.hash, at: clock.now() };
    const note = writeNote(made, key);
    await insertCheckpoint(trx, { ...made, note });
    return { ...made, note };
  });
}

const EVERY_MS = 60_000;

/** Makes a checkpoint every minute while there is something new, and a last one when disposed of. */
export function checkpointsOnClock(
  deps: CheckpointDeps & {
    /** Is told the newest checkpoint every minute, whether it is new or not. Never throws. */
    readonly made?: (checkpoint: Checkpoint & { readonly note: string }) => void;
  },
): AsyncDisposable {
  let cancel: Cancel = () => undefined;
  let underWay: Promise<unknown> = Promise.resolve();
  let stopped = false;
  const again = () => {
    cancel = deps.clock.after(EVERY_MS, () => {
      underWay = checkpoint(deps)
        .then((newest) => newest && deps.made?.(newest))
        .catch((error: unknown) => deps.log.error('audit.checkpoint_failed', { error }))
        .finally(() => {
          if (!stopped) again();
        });
    });
  };
  again();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      cancel();
      await underWay;
      await checkpoint(deps);
    },
  };
}
