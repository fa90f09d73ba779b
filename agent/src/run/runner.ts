/**
 * The runner's heart: takes grants through the gate, carries them out, and remembers every report until the control plane
 * has it. It knows no socket: links attach and detach. Source: design.md, section 6.
 */
import {
  type ApproverSignature,
  Fault,
  type ObservationId,
  type PlanDraft,
  type Preview,
  redactValue,
  type SignedGrant,
  type SignedLockChange,
  type SignedWitness,
} from '@countersign/protocol';
import { accept, subjectsOf, unreadable } from './accept.ts';
import { armAgain, Confirmation, takeConfirmation } from './confirm.ts';
import { endAfterDefect } from './defect.ts';
import type { Journal } from './journal.ts';
import { type ActionRecord, isOpen, type ReportKind, unkept } from './journal-index.ts';
import { judgePlan } from './judge-plan.ts';
import { type LocalPolicy, openForUndo, policyOrDefault, summaryOf } from './local-policy.ts';
import { observe } from './observe.ts';
import { Output } from './output.ts';
import { preview } from './preview.ts';
import { recover } from './recover.ts';
import { type Listener, Reporter, stepMessage } from './reporter.ts';
import { type Run, StopAsked, undoName } from './run.ts';
import { type Ending, runPlan } from './run-plan.ts';
import type { RunPorts } from './run-ports.ts';
import type { About, Report } from './runner-wire.ts';
import { tryAppend, tryAppendDurably } from './try-append.ts';
import { wireFault } from './wire-fault.ts';
import { type Countersigned, ServerWitness } from './witness.ts';

interface Running {
  readonly subjects: readonly string[];
  readonly stop: AbortController;
  readonly output: Output;
  readonly confirmation: Confirmation | null;
}

export class Runner {
  readonly #ports: RunPorts;
  readonly #journal: Journal;
  readonly #book: { readonly journal: Journal; readonly log: RunPorts['log'] };
  readonly #running = new Map<string, Running>();
  readonly #reporter: Reporter;
  readonly #witness: ServerWitness;
  #onQuiet: () => void = () => undefined;

  /** Takes over where an earlier runner was cut off. `expired`: an action whose time to confirm is over by the machine's timer. */
  constructor(ports: RunPorts, journal: Journal, expired: string | null = null) {
    this.#ports = ports;
    this.#journal = journal;
    this.#book = { journal, log: ports.log };
    this.#reporter = new Reporter(journal, ports.clock, (actionId) => this.#chunksOf(actionId));
    const { stateDir, clock, serverId, controlPlaneKey } = ports;
    this.#witness = new ServerWitness({ folder: stateDir, clock, serverId, controlPlaneKey, journal });
    for (const record of journal.all()) if (isOpen(record)) this.#takeOver(record, record.actionId === expired);
  }

  /** How many actions are under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Called whenever the last action has ended. */
  set onQuiet(then: () => void) {
    this.#onQuiet = then;
  }

  /** Lets a link listen. It is told first what no link has stored yet. Returns what ends it. */
  attach(listener: Listener): () => void {
    const detach = this.#reporter.attach(listener);
    for (const [actionId, { confirmation }] of this.#running)
      if (confirmation?.stage === 'confirming')
        listener(stepMessage(actionId, this.#ports.clock.now(), 'confirm', 'confirming', confirmation.until));
    return detach;
  }

  about(): About {
    this.#journal.settle();
    const { policy, problem } = policyOrDefault(this.#ports.policy);
    return {
      root: process.getuid?.() === 0,
      policy: summaryOf(policy),
      policyProblem: problem,
      journalHead: this.#journal.head,
      witnessKey: this.#witnessKey(),
      witnessed: this.#witness.newest,
      running: [...this.#running.keys()],
    };
  }

  /** Follows changes of the lock as far as they fit, and says how this server stands then. */
  followLock(changes: readonly SignedLockChange[]): About {
    const refused = this.#ports.takeLockChanges(changes);
    if (refused) this.#ports.log.warn('lock.change_refused', { reason: refused.message });
    return this.about();
  }

  /** Takes a checkpoint of the audit log; see {@link ServerWitness.countersign}. */
  countersign(note: string): Countersigned {
    return this.#witness.countersign(note);
  }

  /** What this server can testify of audit log and journal. */
  testify(): SignedWitness {
    this.#journal.settle();
    return this.#witness.statement();
  }

  /** Takes a grant. The answer is a report: `started` or `refused`; for one that is known already, what is known of it. */
  accept(signed: SignedGrant, skewMs: number | null): void {
    const gate = { ports: this.#ports, journal: this.#journal, running: this.#running };
    const verdict = accept(gate, signed, skewMs);
    if (verdict.verdict === 'start') this.#start(signed, verdict.policy);
    else if (verdict.verdict === 'refuse') this.#refuse(signed, verdict.fault, verdict.final);
    else this.#reporter.retellAll(verdict.record);
  }

  /** Ends an action: its present step is ended by force, no further one begins. */
  stop(actionId: string): void {
    const running = this.#running.get(actionId);
    if (running === undefined) {
      const record = this.#journal.find(actionId);
      if (record) this.#reporter.retellAll(record);
      return;
    }
    if (running.stop.signal.aborted) return;
    tryAppend(this.#book, { kind: 'stop_asked', actionId });
    running.stop.abort(new StopAsked('a stop was asked for'));
  }

  /** A human confirms that this server can still be reached. What keeps it from counting is logged; the time goes on. */
  confirm(actionId: string, signatures: readonly ApproverSignature[]): void {
    const confirmation = this.#running.get(actionId)?.confirmation;
    const record = this.#journal.find(actionId);
    if (confirmation == null || record?.grant == null) {
      if (record) this.#reporter.retellAll(record);
      return;
    }
    const { policy, unread } = policyOrDefault(this.#ports.policy);
    const terms = { journal: this.#journal, lock: policy.lock };
    const why = unread?.message ?? takeConfirmation(record.grant, confirmation, signatures, terms);
    if (why !== null) this.#ports.log.warn('confirmation.refused', { actionId, reason: why });
  }

  /** The control plane has stored a report. */
  kept(actionId: string, report: ReportKind): void {
    this.#reporter.forget(actionId, report);
    const record = this.#journal.find(actionId);
    if (record === undefined || !unkept(record).includes(report)) return;
    tryAppend(this.#book, { kind: 'kept', actionId, report }, { sync: false });
    if (report !== 'started') Output.forget(this.#ports.stateDir, actionId);
  }

  /** Reads, redacted. */
  async observe(
    request: { capability: ObservationId; parameters: unknown; timeoutMs: number },
    signal: AbortSignal,
  ): Promise<unknown> {
    const { policy } = policyOrDefault(this.#ports.policy);
    return redactValue(await observe(this.#ports, policy, request, signal), policy.secretValues).value;
  }

  /** Previews a plan that the policy would let happen. */
  async preview(draft: PlanDraft, timeoutMs: number, signal: AbortSignal): Promise<Preview> {
    const { policy, unread } = policyOrDefault(this.#ports.policy);
    const refused = unread ? unreadable(this.#ports.serverName, unread) : judgePlan(policy, draft);
    if (refused) throw refused;
    const made = await preview(this.#ports, policy, draft, timeoutMs, signal);
    // What the names in the draft did not tell: where links and aliases lead.
    const leads = judgePlan(policy, { ...draft, preview: made });
    if (leads) throw leads;
    return made;
  }

  #witnessKey(): string | null {
    try {
      return this.#witness.key.publicKey;
    } catch (error) {
      this.#ports.log.error('witness.no_key', { error });
      return null;
    }
  }

  #start(signed: SignedGrant, policy: LocalPolicy): void {
    const { actionId, digest } = signed.grant;
    try {
      // It becomes durable with the intent of the first step: until then nothing is done, only looked at.
      const intent = { kind: 'intent', actionId, digest, grant: signed, bootId: this.#ports.bootId } as const;
      this.#journal.append(intent, { sync: false });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#refuse(signed, error, true);
      return;
    }
    const onStarted = () => this.#reporter.report(actionId, 'started');
    this.#launch(signed, policy, (run) => runPlan(run, onStarted));
  }

  #takeOver(record: ActionRecord, expired: boolean): void {
    const { policy } = policyOrDefault(this.#ports.policy);
    if (record.grant === null) return;
    this.#launch(record.grant, record.armed === null ? policy : openForUndo(policy), (run) => {
      if (run.confirmation) armAgain(run.confirmation, record, this.#ports.clock, expired);
      return recover(run, record);
    });
    if (record.stopAsked) this.#running.get(record.actionId)?.stop.abort(new StopAsked('a stop was asked for'));
  }

  #launch(signed: SignedGrant, policy: LocalPolicy, work: (run: Run) => Promise<Ending>): void {
    const { actionId, plan } = signed.grant;
    const { clock, stateDir, log } = this.#ports;
    const send = (chunk: { step: string; chunk: number; text: string; dropped: number }) =>
      this.#reporter.output({ actionId, ...chunk });
    const secrets = [...policy.secretValues];
    const output = Output.open({ actionId, folder: stateDir, clock, secrets, send, log });
    const stop = new AbortController();
    const confirmation = plan.confirm === null ? null : new Confirmation(clock);
    this.#running.set(actionId, { subjects: subjectsOf(plan), stop, output, confirmation });
    const tell: Run['tell'] = (...where) => this.#reporter.step(stepMessage(actionId, clock.now(), ...where));
    const run: Run = {
      ports: this.#ports,
      journal: this.#journal,
      policy: { ...policy, secretValues: secrets },
      secrets,
      actionId,
      grant: signed,
      plan,
      output,
      stop: confirmation === null ? stop.signal : AbortSignal.any([stop.signal, confirmation.deadline]),
      confirmation,
      tell,
    };
    void this.#conduct(run, work);
  }

  async #conduct(run: Run, work: (run: Run) => Promise<Ending>): Promise<void> {
    const { actionId } = run;
    try {
      const ending = await work(run).catch((error: unknown) => endAfterDefect(run, error));
      run.confirmation?.end();
      run.output.end();
      // Whoever hears of the end may ask for the same thing at once, so it is let go before.
      const running = this.#running.get(actionId);
      if (running) this.#running.set(actionId, { ...running, subjects: [] });
      const written = await this.#write(run, ending);
      // What is not on disk is taken up again, by what is still known of its processes; the timer then sees to it that somebody does.
      if (!written) return;
      if (run.confirmation !== null) await this.#ports.deadMan.disarm(actionId);
      for (const { step, phase } of this.#journal.find(actionId)?.steps ?? [])
        for (const name of phase === 'undo' ? [step, undoName(step)] : [step])
          await this.#ports.processes(actionId, name).forget();
    } catch (error) {
      this.#ports.log.error('run.unfinished', { actionId, error });
    } finally {
      run.output.close();
      this.#running.delete(actionId);
      if (this.#running.size === 0) this.#onQuiet();
    }
  }

  async #write(run: Run, ending: Ending): Promise<boolean> {
    const { actionId } = run;
    const { digest } = run.grant.grant;
    const written = await tryAppendDurably(
      this.#book,
      'refused' in ending
        ? { kind: 'refused', actionId, digest, fault: wireFault(ending.refused, this.#ports) }
        : { kind: 'result', actionId, result: ending.result },
    );
    if (written) this.#reporter.report(actionId, 'refused' in ending ? 'refused' : 'finished');
    else if ('refused' in ending) this.#reporter.reportUnwritten(this.#refusal(actionId, ending.refused));
    else this.#reporter.reportUnwritten({ kind: 'finished', actionId, result: ending.result });
    return written;
  }

  #refuse(signed: SignedGrant, fault: Fault, final: boolean): void {
    const { actionId, digest } = signed.grant;
    this.#ports.log.warn('grant.refused', { actionId, code: fault.code, reason: fault.message });
    if (final && tryAppend(this.#book, { kind: 'refused', actionId, digest, fault: wireFault(fault, this.#ports) }))
      this.#reporter.report(actionId, 'refused');
    // What only a disk did not take, the next runner may start when the grant comes again: until that is over nothing is told.
    else if (!final || this.#journal.damaged || fault.code === 'grant_expired')
      this.#reporter.reportUnwritten(this.#refusal(actionId, fault));
  }

  #refusal(actionId: string, fault: Fault): Report {
    return { kind: 'refused', actionId, at: this.#ports.clock.now(), fault: wireFault(fault, this.#ports) };
  }

  #chunksOf(actionId: string) {
    return this.#running.get(actionId)?.output.chunks() ?? Output.stored(this.#ports.stateDir, actionId);
  }
}
