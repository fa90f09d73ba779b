/**
 * A quick runner of an interleaving, made of the product's pure rules: the gate with the verification of grants and the server's
 * own policy, the fold of the journal, drift. Its journal is an array that outlives it.
 */
import { accept, subjectsOf } from '@countersign/agent/run/accept';
import type { Journal } from '@countersign/agent/run/journal';
import type { JournalEntry } from '@countersign/agent/run/journal-entries';
import { type ActionRecord, isOpen, note, type ReportKind, unkept } from '@countersign/agent/run/journal-index';
import { driftBetween } from '@countersign/agent/run/preview';
import { reportOf } from '@countersign/agent/run/report-of';
import type { FromRunner, Report } from '@countersign/agent/run/runner-wire';
import {
  type ActionResult,
  type Clock,
  type Fault,
  fault,
  type PlanDraft,
  type Preview,
  type SignedGrant,
} from '@countersign/protocol';
import type { ServerRunner } from './lifecycle-parts.ts';
import type { Machine } from './machine.ts';
import { controlPlaneKey } from './simulated-heart.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { localPolicy, nameOf } from './simulated-runner.ts';

type Listener = (message: FromRunner) => void;

export interface RulesRunnerSurroundings {
  readonly process: SimulatedProcess;
  readonly machine: Machine;
  readonly clock: Clock;
  /** What was written so far, each with when. */
  readonly journal: { readonly entry: JournalEntry; readonly at: number }[];
}

export class RulesRunner implements ServerRunner {
  readonly #at: RulesRunnerSurroundings;
  readonly #known = new Map<string, ActionRecord>();
  readonly #running = new Map<string, { readonly subjects: readonly string[]; stop: boolean }>();
  readonly #listeners = new Set<Listener>();

  constructor(at: RulesRunnerSurroundings) {
    this.#at = at;
    for (const { entry, at: when } of at.journal) note(this.#known, entry, when);
    for (const record of this.#known.values()) if (isOpen(record)) this.#recover(record);
  }

  get running(): number {
    return this.#running.size;
  }

  attach(listener: Listener): () => void {
    this.#listeners.add(listener);
    for (const record of this.#known.values()) for (const kind of unkept(record)) this.#tell(record, kind);
    return () => this.#listeners.delete(listener);
  }

  accept(signed: SignedGrant, skewMs: number | null): void {
    const { process, machine, clock } = this.#at;
    process.reach('accept');
    const { serverId } = machine.options;
    const own = { serverId, serverName: nameOf(serverId), controlPlaneKey: controlPlaneKey.publicKey };
    // The gate asks the journal one thing only: whether it knows an action.
    const journal = { find: (id: string) => this.#known.get(id) } as unknown as Journal;
    const ports = { ...own, clock, policy: () => localPolicy };
    const verdict = accept({ ports, journal, running: this.#running }, signed, skewMs);
    const { actionId, digest, plan } = signed.grant;
    if (verdict.verdict === 'known') {
      for (const kind of ['started', 'refused', 'finished'] as const) this.#tell(verdict.record, kind);
    } else if (verdict.verdict === 'refuse') {
      const refused = { code: verdict.fault.code, slots: {} };
      if (verdict.final) this.#append({ kind: 'refused', actionId, digest, fault: refused }, 'refused');
      else this.#hear({ kind: 'refused', actionId, at: clock.now(), fault: refused });
    } else {
      this.#append({ kind: 'intent', actionId, digest, grant: signed, bootId: machine.bootId });
      this.#running.set(actionId, { subjects: subjectsOf(plan), stop: false });
      void this.#carryOut(signed);
    }
  }

  stop(actionId: string): void {
    const running = this.#running.get(actionId);
    const record = this.#known.get(actionId);
    if (running) {
      running.stop = true;
      this.#append({ kind: 'stop_asked', actionId });
    } else if (record) for (const kind of unkept(record)) this.#tell(record, kind);
  }

  kept(actionId: string, report: ReportKind): void {
    const record = this.#known.get(actionId);
    if (record && unkept(record).includes(report)) this.#append({ kind: 'kept', actionId, report });
  }

  async preview(draft: PlanDraft): Promise<Preview> {
    return this.#at.machine.previewOf(draft);
  }

  async #carryOut({ grant: { actionId, digest, plan } }: SignedGrant): Promise<void> {
    const { process, machine, clock } = this.#at;
    await process.pass('look again');
    const drift = driftBetween(plan.preview, machine.previewOf(plan));
    const refused = drift.length > 0 ? 'state_drifted' : this.#stopped(actionId) ? 'precondition_failed' : null;
    if (refused) return this.#refuse(actionId, digest, fault(refused, { reason: 'it changed' }));
    this.#append({ kind: 'started', actionId }, 'started');
    for (const { id } of plan.steps) {
      this.#append({ kind: 'step_intent', actionId, step: id, phase: 'run', memory: null });
      await process.pass('before run');
      const exitCode = await machine.run(actionId, id, unitOf(plan));
      await process.pass('after run');
      this.#finish(
        actionId,
        this.#stopped(actionId) ? 'stopped' : exitCode === 0 ? 'succeeded' : 'failed',
        clock.now(),
      );
    }
  }

  #recover(record: ActionRecord): void {
    const { actionId, grant } = record;
    if (!grant) return;
    this.#running.set(actionId, { subjects: subjectsOf(grant.grant.plan), stop: record.stopAsked });
    const cut = record.steps[0];
    if (!cut && record.started) this.#finish(actionId, 'failed', this.#at.clock.now());
    else if (!cut) this.#refuse(actionId, record.digest, fault('precondition_failed', { reason: 'it ended before' }));
    else
      void this.#at.machine.found(actionId, cut.step).then(async (exitCode) => {
        await this.#at.process.pass('recovered');
        this.#finish(
          actionId,
          exitCode === null ? 'unknown' : exitCode === 0 ? 'succeeded' : 'failed',
          this.#at.clock.now(),
        );
      });
  }

  #finish(actionId: string, outcome: ActionResult['outcome'], at: number): void {
    const nothing = {
      steps: [],
      check: null,
      undo: { state: 'not_needed', steps: [] },
      startedAt: at,
      finishedAt: at,
    } as const;
    const result: ActionResult = {
      outcome,
      summary: `It ${outcome}.`,
      journalHead: '0'.repeat(64),
      ...nothing,
    } as never;
    this.#running.delete(actionId);
    this.#append({ kind: 'result', actionId, result }, 'finished');
  }

  #refuse(actionId: string, digest: string, { code }: Fault): void {
    this.#running.delete(actionId);
    this.#append({ kind: 'refused', actionId, digest, fault: { code, slots: {} } }, 'refused');
  }

  #stopped(actionId: string): boolean {
    return this.#running.get(actionId)?.stop === true;
  }

  #append(entry: JournalEntry, told?: ReportKind): void {
    const { process, clock, journal } = this.#at;
    process.reach('before append');
    const at = clock.now();
    journal.push({ entry, at });
    note(this.#known, entry, at);
    process.reach('after append');
    const record = 'actionId' in entry ? this.#known.get(entry.actionId) : undefined;
    if (record && told) this.#tell(record, told);
  }

  #tell(record: ActionRecord, kind: ReportKind): void {
    const report = reportOf(record, kind);
    if (report) this.#hear(report);
  }

  #hear(report: Report): void {
    for (const listener of this.#listeners) listener({ type: 'report', report });
  }
}

function unitOf({ steps }: Pick<PlanDraft, 'steps'>): string {
  return String(steps[0]?.parameters.unit ?? '');
}
