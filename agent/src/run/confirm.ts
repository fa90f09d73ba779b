/**
 * The dead-man revert: an action that could lock everybody out is taken back by this server itself unless a human confirms in
 * time that it can still be reached. It is armed before the first step, in the journal and as a timer of the machine's own, so
 * that neither a crash nor a reboot nor a cut link keeps it from being taken back; and a confirmation that is in the journal
 * keeps everything from taking it back. Source: design.md, section 6; threats F4 to F6.
 */
import {
  type ApproverSignature,
  type Cancel,
  type Clock,
  Fault,
  type LockState,
  planRisk,
  type SignedGrant,
} from '@countersign/protocol';
import { isLocked } from '@countersign/protocol/agent-wire/facts';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { holdersThatSigned } from '@countersign/protocol/follow-lock';
import type { Journal } from './journal.ts';
import type { ActionRecord } from './journal-index.ts';
import type { Run } from './run.ts';

/** Why an action's signal was aborted: the time to confirm is over. */
export class NobodyConfirmed extends Error {
  override readonly name = 'NobodyConfirmed';
}

type Stage = 'idle' | 'armed' | 'confirming' | 'confirmed' | 'expired';

/** The wait for a human's confirmation of one action. */
export class Confirmation {
  readonly #clock: Clock;
  readonly #deadline = new AbortController();
  readonly #confirmed = Promise.withResolvers<void>();
  #stage: Stage = 'idle';
  #until = 0;
  #cancel: Cancel | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** When it is taken back, milliseconds since 1970. */
  get until(): number {
    return this.#until;
  }

  /** Aborted with {@link NobodyConfirmed} when the time is over. */
  get deadline(): AbortSignal {
    return this.#deadline.signal;
  }

  /** Begins the time to confirm: `leftMs` from now by the clock that cannot be set. */
  arm(until: number, leftMs: number): void {
    this.#stage = 'armed';
    this.#until = until;
    if (leftMs <= 0) this.#expire();
    else this.#cancel = this.#clock.after(leftMs, () => this.#expire());
  }

  /** Steps and check are over: from here on a confirmation counts. */
  ask(): void {
    if (this.#stage === 'armed') this.#stage = 'confirming';
  }

  /** A confirmation is in the journal: nothing takes the action back any more. */
  confirm(): void {
    this.end();
    this.#stage = 'confirmed';
    this.#confirmed.resolve();
  }

  /** Resolves when it is confirmed. Rejects with the reason of the signal, which has to hold {@link deadline} too. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#stage !== 'confirmed' && signal.aborted) return Promise.reject(signal.reason);
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    return Promise.race([this.#confirmed.promise, aborted.promise]).finally(() =>
      signal.removeEventListener('abort', onAbort),
    );
  }

  /** It is being taken back: no confirmation counts any more. */
  close(): void {
    this.end();
    if (this.#stage !== 'confirmed') this.#stage = 'expired';
  }

  /** Ends the timer: the action is over, or confirmed. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #expire(): void {
    if (this.#stage === 'confirmed') return;
    this.#stage = 'expired';
    this.#deadline.abort(new NobodyConfirmed('nobody confirmed in time'));
  }
}

/**
 * Arms the revert of a plan that asks for it, before its first step: in the journal, then as a timer of the machine. Returns
 * why that failed; nothing may be begun then.
 */
export async function arm({ ports, journal, actionId, plan, confirmation }: Run): Promise<Fault | null> {
  if (plan.confirm === null || confirmation === null) return null;
  const { within_ms: withinMs } = plan.confirm;
  const until = ports.clock.now() + withinMs;
  try {
    journal.append({ kind: 'armed', actionId, until });
    await ports.deadMan.arm(actionId, withinMs);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  confirmation.arm(until, withinMs);
  return null;
}

/**
 * Takes the wait up again after a crash or a reboot. The wall clock may have been set meanwhile, so no more time is given than
 * the plan has; `expired` when the machine's timer says that it is over, whatever the clock says.
 */
export function armAgain(confirmation: Confirmation, record: ActionRecord, clock: Clock, expired: boolean): void {
  if (record.armed === null || record.grant === null) return;
  const { until, confirming, confirmed } = record.armed;
  if (confirmed) {
    confirmation.confirm();
    return;
  }
  const withinMs = record.grant.grant.plan.confirm?.within_ms ?? 0;
  confirmation.arm(until, expired ? 0 : Math.min(until - clock.now(), withinMs));
  if (confirming) confirmation.ask();
  if (record.steps.some(({ phase }) => phase === 'undo')) confirmation.close();
}

/**
 * Asks for the confirmation and waits for it. Rejects with {@link NobodyConfirmed} when the time is over, with `StopAsked` when
 * somebody stops it. Before it waits, the journal holds that steps and check are over, so that a runner that takes over asks at once.
 */
export async function awaitConfirmation(run: Run, confirmation: Confirmation): Promise<void> {
  if (confirmation.stage === 'armed') {
    run.journal.append({ kind: 'confirming', actionId: run.actionId }, { sync: false });
    confirmation.ask();
  }
  if (confirmation.stage === 'confirming') run.tell('confirm', 'confirming', confirmation.until);
  await confirmation.wait(run.stop);
}

/**
 * Takes a confirmation; durable when it counts. Returns why it does not, in words, or `null`. It counts only after steps and
 * check, and it can only have come over a link, which dials anew when it is asked for: so whoever confirmed has been reached
 * by this server as it is now.
 */
export function takeConfirmation(
  { grant }: SignedGrant,
  confirmation: Confirmation,
  signatures: readonly ApproverSignature[],
  { journal, lock }: { readonly journal: Journal; readonly lock: LockState | null },
): string | null {
  if (confirmation.stage === 'confirmed') return null;
  if (confirmation.stage === 'expired') return 'it is being taken back already';
  if (confirmation.stage !== 'confirming') return 'the steps are not over yet';
  const short = whyUnsigned(grant, signatures, lock);
  if (short !== null) return short;
  try {
    journal.append({ kind: 'confirmed', actionId: grant.actionId });
  } catch (error) {
    // What is not on disk would be taken back after a crash, so it does not count.
    if (error instanceof Fault) return error.message;
    throw error;
  }
  confirmation.confirm();
  return null;
}

function whyUnsigned(
  grant: SignedGrant['grant'],
  signatures: readonly ApproverSignature[],
  lock: LockState | null,
): string | null {
  if (lock === null || !isLocked({ lock })) return null;
  const needed = lock.signatures[planRisk(grant.plan)];
  const signed = holdersThatSigned(lock, confirmationDigest(grant.actionId, grant.digest), signatures).size;
  return signed >= needed ? null : `${needed} of the holders of its lock must sign the confirmation, and ${signed} did`;
}
