/** What the journal says of each action: its entries, folded. Pure. */
import type { ActionResult, Journaled, Json, SignedGrant, StepOutcome } from '@countersign/protocol';
import type { WireFault } from '@countersign/protocol/agent-wire/messages';
import type { Before, EntryOf, JournalEntry } from './journal-entries.ts';

export type Phase = 'run' | 'undo';
export type ReportKind = EntryOf<'kept'>['report'];

/** A step that was begun. `outcome` is missing while it runs, and after a crash in the middle of it. */
export interface StepRecord {
  readonly step: string;
  readonly phase: Phase;
  readonly memory: Json;
  readonly outcome: StepOutcome | null;
}

/** Everything that is known of an action here. */
export interface ActionRecord {
  readonly actionId: string;
  readonly digest: string;
  /** When its intent, or its refusal, was written. */
  readonly at: number;
  /** How it ended, where its own lines were put aside and only that is remembered. */
  readonly ended: Journaled['state'] | null;
  /** `null` once it is over. */
  readonly grant: SignedGrant | null;
  readonly bootId: string | null;
  readonly started: { readonly at: number; readonly before: readonly Before[] } | null;
  readonly steps: readonly StepRecord[];
  /** Set for an action that could lock everybody out: when it is taken back, and how far the wait for a human is. */
  readonly armed: { readonly until: number; readonly confirming: boolean; readonly confirmed: boolean } | null;
  readonly stopAsked: boolean;
  readonly refused: { readonly fault: WireFault; readonly at: number } | null;
  readonly result: ActionResult | null;
  /** Reports that the control plane has stored. */
  readonly kept: readonly ReportKind[];
}

/** Whether an action was begun here and has neither a result nor a refusal. */
export function isOpen(record: ActionRecord): boolean {
  return record.grant !== null;
}

/** The reports of an action that the control plane has not stored yet, in order. Who has the end needs no news of the start. */
export function unkept(record: ActionRecord): ReportKind[] {
  const due: ReportKind[] = [];
  if (record.started !== null && !record.kept.includes('finished')) due.push('started');
  if (record.refused !== null) due.push('refused');
  if (record.result !== null) due.push('finished');
  return due.filter((report) => !record.kept.includes(report));
}

/** An action in one line, for a witness. */
export function journaled({ actionId, digest, at, ended, refused, result }: ActionRecord): Journaled {
  const state = ended ?? (refused === null ? (result?.outcome ?? 'open') : 'refused');
  return { action: actionId, digest, state, at };
}

/** What is remembered of an action when its own lines are put aside. */
export function usedOf(record: ActionRecord): EntryOf<'continued'>['used'][number] {
  const { action, digest, state, at } = journaled(record);
  return [action, digest, state, at];
}

/** Adds one entry to what is known. */
export function note(known: Map<string, ActionRecord>, entry: JournalEntry, at: number): void {
  if (entry.kind === 'repaired') return;
  if (entry.kind === 'continued') {
    for (const [actionId, digest, ended, began] of entry.used)
      known.set(actionId, { ...blank(actionId, digest, began), ended });
    return;
  }
  if (entry.kind === 'intent') {
    const { actionId, digest, grant, bootId } = entry;
    known.set(actionId, { ...blank(actionId, digest, at), grant, bootId });
    return;
  }
  const before =
    known.get(entry.actionId) ?? (entry.kind === 'refused' ? blank(entry.actionId, entry.digest, at) : undefined);
  if (before !== undefined) known.set(entry.actionId, { ...before, ...change(before, entry, at) });
}

type ActionEntry = Exclude<JournalEntry, { kind: 'repaired' | 'continued' | 'intent' }>;

function change(before: ActionRecord, entry: ActionEntry, at: number): Partial<ActionRecord> {
  switch (entry.kind) {
    case 'started':
      return { started: { at, before: entry.before ?? [] } };
    case 'step_intent':
      return {
        steps: [...before.steps, { step: entry.step, phase: entry.phase, memory: entry.memory as Json, outcome: null }],
      };
    case 'step_result':
      return {
        steps: before.steps.map((it) =>
          it.step === entry.step && it.phase === entry.phase ? { ...it, outcome: entry.outcome } : it,
        ),
      };
    case 'armed':
      return { armed: { until: entry.until, confirming: false, confirmed: false } };
    case 'confirming':
      return before.armed === null ? {} : { armed: { ...before.armed, confirming: true } };
    case 'confirmed':
      return before.armed === null ? {} : { armed: { ...before.armed, confirmed: true } };
    case 'stop_asked':
      return { stopAsked: true };
    case 'refused':
      return { refused: { fault: entry.fault, at }, grant: null };
    case 'result':
      return { result: entry.result, grant: null };
    case 'kept':
      return { kept: [...before.kept, entry.report] };
  }
}

function blank(actionId: string, digest: string, at: number): ActionRecord {
  return {
    actionId,
    digest,
    at,
    ended: null,
    grant: null,
    bootId: null,
    started: null,
    steps: [],
    armed: null,
    stopAsked: false,
    refused: null,
    result: null,
    kept: [],
  };
}
