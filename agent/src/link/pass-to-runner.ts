/** What the control plane sends for the runner to keep: changes of the lock, checkpoints of the audit log. The link only carries them. */
import { type Clock, Fault, type SignedLockChange } from '@countersign/protocol';
import { encode } from '@countersign/protocol/agent-wire/frame';
import { failPoint } from '../fail-points.ts';
import type { Log } from '../host/log.ts';
import type { About } from '../run/runner-wire.ts';
import type { Wire } from './dial.ts';
import type { RunnerClient } from './runner-client.ts';

export interface PassDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly runner: RunnerClient;
  readonly wire: Wire;
  /** Called with what the runner says of itself now. */
  readonly onAbout: (changed: Partial<About>) => void;
}

const PATIENCE_MS = 15_000;

/** Has the runner follow changes of the lock, and tells the policy as it is then. Never rejects. */
export function passLockChanges(deps: PassDeps, changes: readonly SignedLockChange[]): Promise<void> {
  return patiently(deps, 'lock_changes', async (signal) => {
    const about = await deps.runner.followLock(changes, signal);
    deps.onAbout(about);
    failPoint('link.lock_changes.before_answer');
    deps.wire.send(encode({ type: 'policy', policy: about.policy }));
  });
}

/** Has the runner keep a checkpoint, and hands its countersignature or its refusal back. Never rejects. */
export function passCheckpoint(deps: PassDeps, note: string): Promise<void> {
  return patiently(deps, 'checkpoint', async (signal) => {
    const { requestId: _, ...answer } = await deps.runner.checkpoint(note, signal);
    if (answer.type === 'countersigned') {
      const { size, head, at } = answer;
      deps.onAbout({ witnessed: { size, head, at } });
    }
    failPoint('link.checkpoint.before_answer');
    deps.wire.send(encode(answer));
  });
}

/** The wire has no answer for a runner that cannot be reached: the control plane sends such things again by itself. */
async function patiently(
  { clock, log }: PassDeps,
  type: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const cancel = clock.after(PATIENCE_MS, () => controller.abort(new Error('the runner does not answer')));
  try {
    await work(controller.signal);
  } catch (error) {
    log.error('runner.not_passed', { type, error: error instanceof Fault ? error.message : error });
  } finally {
    cancel();
  }
}
