/** Tells links what becomes of actions, and remembers every report until the control plane has it. */
import type { Journal } from './journal.ts';
import { type ActionRecord, isOpen, type ReportKind, unkept } from './journal-index.ts';
import { reportOf } from './report-of.ts';
import type { StepPhase } from './run.ts';
import type { FromRunner, OutputChunk, Report } from './runner-wire.ts';

/** Where an action is, as links are told it. */
export function stepMessage(actionId: string, at: number, step: string, phase: StepPhase, until?: number): FromRunner {
  return { type: 'step', actionId, step, phase, ...(until === undefined ? {} : { until }), at };
}

/** A link that listens. */
export type Listener = (message: FromRunner) => void;

const UNWRITTEN_MAX = 100;

export class Reporter {
  readonly #journal: Journal;
  /** The output of an action as far as it is stored. */
  readonly #chunksOf: (actionId: string) => readonly OutputChunk[];
  readonly #listeners = new Set<Listener>();
  /** Reports that the journal does not hold: of forged grants, and of endings that a full disk could not take. */
  #unwritten: Report[] = [];

  constructor(journal: Journal, chunksOf: (actionId: string) => readonly OutputChunk[]) {
    this.#journal = journal;
    this.#chunksOf = chunksOf;
  }

  /** Lets a link listen. It is told first what no link has stored yet. Returns what ends it. */
  attach(listener: Listener): () => void {
    this.#listeners.add(listener);
    for (const record of this.#journal.all()) this.#retell(record, listener, unkept(record));
    for (const report of this.#unwritten) listener({ type: 'report', report });
    return () => this.#listeners.delete(listener);
  }

  tell(message: FromRunner): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** Tells a report that the journal holds. */
  report(actionId: string, kind: ReportKind): void {
    const record = this.#journal.find(actionId);
    const report = record && reportOf(record, kind);
    if (report) this.tell({ type: 'report', report });
  }

  /** Tells a report that the journal could not take, and remembers it here. */
  reportUnwritten(report: Report): void {
    this.#unwritten = [...this.#unwritten, report].slice(-UNWRITTEN_MAX);
    this.tell({ type: 'report', report });
  }

  /** Nobody needs to be told this report again. */
  forget(actionId: string, kind: ReportKind): void {
    this.#unwritten = this.#unwritten.filter((it) => it.actionId !== actionId || it.kind !== kind);
  }

  /** Tells everything of an action again. */
  retellAll(record: ActionRecord): void {
    for (const listener of this.#listeners) this.#retell(record, listener, ['started', 'refused', 'finished']);
  }

  /** Tells reports and output of an action again, in their order. */
  #retell(record: ActionRecord, listener: Listener, kinds: readonly ReportKind[]): void {
    if (kinds.includes('started')) retellOne(record, 'started', listener);
    if (kinds.length > 0 || isOpen(record))
      for (const chunk of this.#chunksOf(record.actionId)) listener({ type: 'output', ...chunk });
    for (const kind of ['refused', 'finished'] as const) if (kinds.includes(kind)) retellOne(record, kind, listener);
  }
}

function retellOne(record: ActionRecord, kind: ReportKind, listener: Listener): void {
  const report = reportOf(record, kind);
  if (report) listener({ type: 'report', report });
}
