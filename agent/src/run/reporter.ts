/** Tells links what becomes of actions, and remembers every report until the control plane has it. */
import type { Cancel, Clock } from '@countersign/protocol';
import type { Journal } from './journal.ts';
import { type ActionRecord, isOpen, type ReportKind, unkept } from './journal-index.ts';
import { reportOf } from './report-of.ts';
import type { StepPhase } from './run.ts';
import type { FromRunner, OutputChunk, Report } from './runner-wire.ts';

type StepMessage = Extract<FromRunner, { type: 'step' }>;

/** Where an action is, as links are told it. */
export function stepMessage(actionId: string, at: number, step: string, phase: StepPhase, until?: number): StepMessage {
  return { type: 'step', actionId, step, phase, ...(until === undefined ? {} : { until }), at };
}

/** A link that listens. */
export type Listener = (message: FromRunner) => void;

const UNWRITTEN_MAX = 100;
/** News of a start, and of where an action is, are told so much later: of what is over by then its end tells all. */
const HELD_MS = 25;
/** Where much goes on at once all of it takes longer, and to tell of each start takes longer still: so many times as long at most. */
const HELD_TIMES_MAX = 10;
/** Characters of output that wait as long. More goes ahead, since to clean and to send it takes time. */
const HELD_OUTPUT_MAX = 16_000;
/** The news then waits so long: whoever watches sees that something is printed, and stored in between it would hold that up. */
const HELD_BEHIND_OUTPUT_MS = 100;

/** What is not told yet of an action. */
interface Held {
  /** Whether the news were put off already. */
  isBehind?: boolean;
  started?: FromRunner;
  /** Where the news of the start ends in the journal. */
  end?: number;
  step?: FromRunner;
  output: FromRunner[];
  characters: number;
  cancel: Cancel;
}

export class Reporter {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  /** The output of an action as far as it is stored. */
  readonly #chunksOf: (actionId: string) => readonly OutputChunk[];
  readonly #listeners = new Set<Listener>();
  /** Reports that the journal does not hold: of forged grants, and of endings that a full disk could not take. */
  #unwritten: Report[] = [];

  constructor(journal: Journal, clock: Clock, chunksOf: (actionId: string) => readonly OutputChunk[]) {
    this.#journal = journal;
    this.#clock = clock;
    this.#chunksOf = chunksOf;
  }

  /** Lets a link listen. It is told first what no link has stored yet. Returns what ends it. */
  attach(listener: Listener): () => void {
    this.#listeners.add(listener);
    for (const record of this.#journal.all()) this.#retell(record, listener, unkept(record));
    for (const report of this.#unwritten) listener({ type: 'report', report });
    return () => this.#listeners.delete(listener);
  }

  /** Tells a report that the journal holds. */
  report(actionId: string, kind: ReportKind): void {
    const record = this.#journal.find(actionId);
    const report = record && reportOf(record, kind);
    if (!report) return;
    if (kind !== 'started') this.#tellEnd(report);
    else Object.assign(this.#hold(actionId), { started: { type: 'report', report }, end: this.#journal.end });
  }

  /** Tells what a step prints. */
  output(chunk: OutputChunk): void {
    const held = this.#hold(chunk.actionId);
    held.output.push({ type: 'output', ...chunk });
    held.characters += chunk.text.length;
    if (held.characters <= HELD_OUTPUT_MAX) return;
    this.#goAhead(chunk.actionId, held);
  }

  /** Tells where an action is. */
  step(message: StepMessage): void {
    this.#hold(message.actionId).step = message;
    if (message.phase === 'confirming') this.#letGo(message.actionId);
  }

  /** Tells a report that the journal could not take, and remembers it here. */
  reportUnwritten(report: Report): void {
    this.#unwritten = [...this.#unwritten, report].slice(-UNWRITTEN_MAX);
    this.#tellEnd(report);
  }

  /** Nobody needs to be told this report again. */
  forget(actionId: string, kind: ReportKind): void {
    this.#unwritten = this.#unwritten.filter((it) => it.actionId !== actionId || it.kind !== kind);
  }

  /** Tells everything of an action again. */
  retellAll(record: ActionRecord): void {
    for (const listener of this.#listeners) this.#retell(record, listener, ['started', 'refused', 'finished']);
  }

  #tell(message: FromRunner): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** The end tells of the start too. */
  #tellEnd(report: Report): void {
    for (const chunk of this.#taken(report.actionId)?.output ?? []) this.#tell(chunk);
    this.#tell({ type: 'report', report });
  }

  #hold(actionId: string): Held {
    const held = this.#held.get(actionId);
    if (held) return held;
    const ms = HELD_MS * Math.min(HELD_TIMES_MAX, 1 + this.#held.size);
    const cancel = this.#clock.after(ms, () => this.#letGo(actionId));
    const fresh: Held = { output: [], characters: 0, cancel };
    this.#held.set(actionId, fresh);
    return fresh;
  }

  /** Tells what was printed. The news of it wait longer, once. */
  #goAhead(actionId: string, held: Held): void {
    for (const message of held.output) this.#tell(message);
    held.output = [];
    held.characters = 0;
    if (held.isBehind || !held.started) return;
    held.isBehind = true;
    held.cancel();
    held.cancel = this.#clock.after(HELD_BEHIND_OUTPUT_MS, () => this.#letGo(actionId));
  }

  #letGo(actionId: string): void {
    const held = this.#taken(actionId);
    if (held?.started) this.#journal.settle(held.end);
    if (held) for (const message of [held.started, held.step, ...held.output]) if (message) this.#tell(message);
  }

  #taken(actionId: string): Held | undefined {
    const held = this.#held.get(actionId);
    held?.cancel();
    this.#held.delete(actionId);
    return held;
  }

  /** Tells reports and output of an action again, in their order. */
  #retell(record: ActionRecord, listener: Listener, kinds: readonly ReportKind[]): void {
    // Its end may be written and not be durable yet.
    this.#journal.settle();
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
