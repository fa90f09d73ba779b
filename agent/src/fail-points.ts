/**
 * The places at which a test has the link or the runner die, to see what the next one finds. None does anything unless the
 * process was started with `COUNTERSIGN_FAIL_POINT`; nothing arms one over the network. All rings may name their places here.
 * Source: `protocol/src/fail-points.ts`, threats.md.
 */
import { failAt, parseFailPoint } from '@countersign/protocol/fail-points';

/**
 * Lines of the runner's journal, by kind. Right before, the line is lost, or torn in its middle; right after, it is on disk and
 * nothing has followed of it. Each gives two places: `journal.<kind>.before_write` and `.after_write`.
 */
export const journalPoints = {
  intent: 'an action is accepted: from here on its id is never accepted again (F3)',
  armed: 'the revert is armed in the journal, the timer of the machine is not',
  started: 'the first step is about to begin',
  step_intent: 'a step is about to begin: it must not begin twice (F4)',
  step_result: 'a step is over; without this line nobody knows how',
  confirming: 'steps and check are over, a human is asked',
  confirmed: 'a human confirmed: nothing may take it back any more',
  stop_asked: 'a stop was asked for: whoever takes over must stop too',
  result: 'how the action ended, told once and for all',
  refused: 'the grant is refused for good',
  kept: 'the control plane has a report',
  repaired: 'a line that a crash cut off was taken away',
} as const;

const momentPoints = {
  'run.grant.before_judging': 'the grant has reached the runner and nothing is written',
  'run.second_look.after': 'nothing has changed since the preview, and nothing was done yet',
  'run.step.before_memory': 'what the undo needs is not remembered yet',
  'run.step.after_perform': 'the step has had its effect, and its result is not written',
  'run.step.before_next': 'between two steps',
  'run.check.before_first': 'all steps are done, nothing is checked',
  'run.check.before_second': 'checked once, the stability window is over',
  'run.undo.before_intent': 'the undo is decided and not begun',
  'run.undo.after_undone': 'the undo has had its effect, and its result is not written',
  'run.recover.before_settling': 'dying again while finding out what a crash left',
  'run.recover.after_finding': 'found out, and not written',
  'run.output.before_append': 'output is read and not kept',
  'run.lock_book.before_write': 'a change of the lock is verified and not followed',
  'run.lock_book.after_write': 'a change of the lock is followed, the control plane does not know',
  'run.checkpoints.before_write': 'a checkpoint is verified and not kept',
  'run.checkpoints.after_write': 'a checkpoint is kept and not countersigned',
  'host.process.before_start': 'the intent of a step is on disk, its process is not started',
  'host.process.after_start': 'the process of a step runs, and loses its parent (F5)',
  'link.handshake.before_hello': 'challenged and not introduced',
  'link.handshake.after_welcome': 'welcomed, and gone at once',
  'link.dispatch.before_runner': 'the grant has reached the link only',
  'link.dispatch.after_runner': 'the grant is on its way to the runner',
  'link.outbox.before_write': 'a report is told by the runner and not in the outbox',
  'link.outbox.after_write': 'a report is in the outbox and not sent',
  'link.report.after_send': 'a report is sent, and its acknowledgement not here',
  'link.acknowledge.before_write': 'the control plane has it, the outbox does not know',
  'link.acknowledge.after_write': 'the outbox has let go, the runner does not know',
  'link.lock_changes.before_answer': 'the runner follows, the control plane does not know',
  'link.checkpoint.before_answer': 'countersigned, and the countersignature not sent',
  'enroll.before_hello': 'the key is made, the token is not used',
  'enroll.before_identity': 'the token is used up, and we do not know who we are',
  'enroll.after_identity': 'enrolled, and nobody was told',
} as const;

type JournalKind = keyof typeof journalPoints;
export type FailPointName = keyof typeof momentPoints | `journal.${JournalKind}.${'before' | 'after'}_write`;

/** All places by name. */
export const failPoints: Readonly<Record<FailPointName, string>> = {
  ...momentPoints,
  ...(Object.fromEntries(
    Object.entries(journalPoints).flatMap(([kind, what]) => [
      [`journal.${kind}.before_write`, `not written: ${what}`],
      [`journal.${kind}.after_write`, `written, nothing followed: ${what}`],
    ]),
  ) as Record<`journal.${JournalKind}.${'before' | 'after'}_write`, string>),
};

let pass: ReturnType<typeof failAt> | null = null;

/** Arms the place that a process was started with. Throws `RangeError` when there is none of this name. */
export function armFailPoint(text: string | null): void {
  if (text === null) return;
  pass = failAt(parseFailPoint(text, failPoints), {
    kill: () => {
      process.kill(process.pid, 'SIGKILL');
      throw new Error('killed');
    },
    hang: () => {
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  });
}

/** Passes a place; nothing happens unless it is the armed one. `tear` writes half of what is about to be written. */
export function failPoint(name: FailPointName, tear?: () => void): void {
  pass?.(name, tear);
}

/** The same before or after a line of the journal. Kinds that are no place of their own are passed by. */
export function journalFailPoint(kind: string, when: 'before' | 'after', tear?: () => void): void {
  if (pass !== null && Object.hasOwn(journalPoints, kind)) pass(`journal.${kind}.${when}_write`, tear);
}
