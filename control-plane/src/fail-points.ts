/**
 * The places at which a test has the control plane die, to see what a restart finds. None does anything unless the process was
 * started with `COUNTERSIGN_FAIL_POINT`; nothing arms one over the network. Source: `protocol/src/fail-points.ts`, threats.md.
 */
import { failAt, parseFailPoint } from '@countersign/protocol/fail-points';

/**
 * Commits, by name, and what is between the moments before and after: right before, all of it is lost; right after, all of it is on
 * disk and nobody has been told. Each gives two places, `.before_commit` and `.after_commit`.
 */
export const commitPoints = {
  'actions.propose': 'the action and its question; the caller retries and must get the same one',
  'actions.decide': 'the verdict; what was acknowledged to the approver must be kept',
  'actions.dispatch': 'that the grant leaves; after a restart it is sent once, or expires (F1)',
  'actions.record_started': 'news of the start; the agent has not heard that it is stored',
  'actions.record_step': 'progress, which is never sent again',
  'actions.record_output': 'output, which comes again until the result is stored',
  'actions.record_finished': 'the result, which must be stored once',
  'actions.record_refused': 'the refusal of the server',
  'actions.stop': 'the wish to stop, which the server must hear after a restart',
  'actions.confirm': 'the confirmation, without which the server takes everything back',
  'actions.pause': 'the pause: when acknowledged, nothing may leave after a restart',
  'actions.resume': 'the end of the pause',
  'actions.expire': 'that nobody decided in time',
  'fleet.enrol': 'the key of a server against a token that works once',
  'fleet.keep_hello': 'what an agent says of itself, before it counts as connected',
  'fleet.keep_policy': 'the policy and the lock that a server follows now',
  'fleet.witnesses': 'what servers countersigned',
  'access.sign_in': 'a session; its secret is shown once',
  'access.sign_out': 'the end of a session, which must stay ended',
  'access.create_token': 'a token; its secret is shown once',
  'access.make_challenge': 'a challenge for a passkey',
  'access.use_challenge': 'that a challenge is used up: it must never count again',
  'access.passkey_sign_in': 'a session by passkey',
  'amendments.propose': 'a change of the rules, on record before its file is written',
  'amendments.put_in_force': 'that the file with the rules is written, after it was',
  'policy.load': 'which rules are in force',
  'audit.note_started': 'that this process began',
  'audit.note_stopped': 'that this process ended in order',
  'audit.checkpoint': 'the signed head of the log',
  'lock.init': 'the first state of the lock',
  'lock.change': 'a signed change of the lock, which servers follow',
  'telegram.note_update': 'that an update counted; Telegram sends it again until the next poll',
  'telegram.keep_card': 'which message is the card',
  'telegram.keep_edit': 'what the card shows',
  'telegram.keep_result': 'that the end was told',
} as const;

/** Places between a commit and what leaves the process, or around files that no transaction holds. */
const momentPoints = {
  'actions.grant.before_send': 'dispatched on disk, the grant not sent (F1)',
  'actions.grant.after_send': 'the grant is out, and nothing has come back (F2)',
  'actions.stop.before_send': 'the wish is kept, the server not told',
  'actions.confirm.before_send': 'the confirmation is kept, the server not told',
  'fleet.welcome.before_send': 'the server counts as known and is not welcomed',
  'fleet.welcome.after_send': 'welcomed, and gone at once',
  'fleet.report.before_store': 'a report has come and is nowhere yet',
  'fleet.acknowledge.before_send': 'reports are stored, the agent sends them again',
  'fleet.lock_changes.before_send': 'the lock has changed, the server does not know',
  'policy.file.before_write': 'the change is on record, the file is the old one',
  'policy.file.after_write': 'the file is the new one, the change still open',
  'storage.backup.before_name': 'the copy is whole but has not got its name',
  'storage.backup.after_name': 'the copy is there, nobody was told',
  'telegram.card.before_send': 'the card is due and not sent',
  'telegram.card.after_send': 'the card is sent, and we do not know its number',
  'telegram.edit.before_send': 'the card shows what was',
  'telegram.edit.after_send': 'the card was edited, and we do not know it',
  'telegram.result.before_send': 'the end is not told yet',
  'telegram.result.after_send': 'the end was told, and we do not know it',
} as const;

export type CommitPoint = keyof typeof commitPoints;
export type FailPointName = keyof typeof momentPoints | `${CommitPoint}.${'before' | 'after'}_commit`;

/** All places by name. */
export const failPoints: Readonly<Record<FailPointName, string>> = {
  ...momentPoints,
  ...(Object.fromEntries(
    Object.entries(commitPoints).flatMap(([name, what]) => [
      [`${name}.before_commit`, `lost: ${what}`],
      [`${name}.after_commit`, `on disk, nobody told: ${what}`],
    ]),
  ) as Record<`${CommitPoint}.${'before' | 'after'}_commit`, string>),
};

let pass: ReturnType<typeof failAt> | null = null;

/** Arms the place that a process was started with. Throws `RangeError` when there is none of this name. */
export function armFailPoint(text: string | undefined): void {
  if (text === undefined) return;
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

/** Passes a place; nothing happens unless it is the armed one. */
export function failPoint(name: FailPointName): void {
  pass?.(name);
}
