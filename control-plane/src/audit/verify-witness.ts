/**
 * Compares what a server keeps with the audit log: its checkpoints with the entries, its journal with the actions. Pure, so that
 * it works offline too, with an export and a file that the server's owner brought. Source: design.md, section 10; threat T22.
 */
import {
  isoTime,
  type Journaled,
  type SignedWitness,
  signedWitnessSchema,
  type Witnessed,
} from '@countersign/protocol';
import { verifyValue } from '@countersign/protocol/signing';
import type { LedgerAction, LedgerReading } from './ledger-reading.ts';
import { isAccepted } from './rollback.store.ts';

/** What is known of a server from elsewhere. */
export interface ExpectedWitness {
  readonly server?: string;
  /** The witness key that was pinned at first sight. Without it the key in the statement is believed. */
  readonly key?: string;
  /** The newest checkpoint that it countersigned, as we keep it. */
  readonly countersigned?: Pick<Witnessed, 'size' | 'head'>;
}

export interface WitnessProblem {
  readonly problem: string;
  /** Who accepted it and when, in words; null when nobody did. */
  readonly accepted: string | null;
}

export interface WitnessVerdict {
  readonly server: string;
  readonly key: string;
  readonly checkpoints: number;
  /** Actions of its journal that were compared. */
  readonly actions: number;
  readonly problems: readonly WitnessProblem[];
}

/** What the problems that were found come to. `agrees` where there are none. */
export function stateOf(problems: readonly WitnessProblem[]): 'agrees' | 'accepted' | 'contradicts' {
  if (problems.length === 0) return 'agrees';
  return problems.every(({ accepted }) => accepted !== null) ? 'accepted' : 'contradicts';
}

/** Problems in words, with who accepted them. */
export function inWords(problems: readonly WitnessProblem[]): string[] {
  return problems.map(({ problem, accepted }) => (accepted === null ? problem : `${problem} (${accepted})`));
}

/** Clocks of servers may be off by so much before changes are refused; so news this close to an edge decides nothing. */
const SLACK_MS = 2 * 60_000;
const PROBLEMS_MAX = 100;

/** Reads what must be compared out of a file or an answer; null when it has not the form of a witness statement. */
export function readWitness(value: unknown): SignedWitness | null {
  return signedWitnessSchema.safeParse(value).data ?? null;
}

/** The checkpoints that a {@link LedgerReading} has to keep hashes for. */
export function sizesIn(statements: readonly SignedWitness[]): number[] {
  return statements.flatMap(({ witness }) => witness.checkpoints.map(({ size }) => size));
}

/** Compares the newest checkpoint of a server that cannot be asked, as it was kept here. */
export function compareKept(ledger: LedgerReading, kept: Witnessed): readonly WitnessProblem[] {
  const notes = new Notes(ledger);
  compareCheckpoint(ledger, kept, notes);
  return notes.all;
}

/** Compares one signed statement with a log that was read to its end. */
export function compareWitness(
  ledger: LedgerReading,
  { witness, signature }: SignedWitness,
  expected: ExpectedWitness = {},
): WitnessVerdict {
  const notes = new Notes(ledger);
  const of = { server: witness.server, key: witness.key };
  const forged = whyForged(witness, signature, expected);
  if (forged !== null) {
    notes.add(forged);
    return { ...of, checkpoints: 0, actions: 0, problems: notes.all };
  }
  for (const kept of witness.checkpoints) compareCheckpoint(ledger, kept, notes);
  const newest = witness.checkpoints.at(-1)?.size ?? 0;
  if (expected.countersigned !== undefined && newest < expected.countersigned.size)
    notes.add(`it has forgotten the checkpoint over ${expected.countersigned.size} entries that it countersigned`);
  if (witness.journal.broken !== null) notes.add(`its journal does not verify: ${witness.journal.broken}`);
  const journal = new Map(witness.journal.actions.map((it) => [it.action, it]));
  for (const it of journal.values()) compareJournaled(ledger, witness.server, it, witness.at, notes);
  compareLedger(ledger, witness, journal, notes);
  return { ...of, checkpoints: witness.checkpoints.length, actions: journal.size, problems: notes.all };
}

type Witness = SignedWitness['witness'];

function whyForged(witness: Witness, signature: string, { server, key }: ExpectedWitness): string | null {
  if (server !== undefined && witness.server !== server)
    return `the statement is that of another server, ${witness.server}`;
  if (key !== undefined && witness.key !== key)
    return 'the statement is signed with another key than the one that is known';
  if (!verifyValue('witness', witness, signature, witness.key)) return 'the signature of the statement does not fit';
  return null;
}

function compareCheckpoint(ledger: LedgerReading, kept: Witnessed, notes: Notes): void {
  const ours = ledger.hashAt(kept.size);
  if (ours === kept.head) return;
  const when = `kept on ${isoTime(kept.at)}`;
  if (ours === undefined)
    notes.add(
      `the log was rolled back: it ends at ${ledger.entries}, the server has a checkpoint over ${kept.size} entries, ${when}`,
      kept,
    );
  else notes.add(`the log was rewritten or forked: entry ${kept.size} is another than in the checkpoint ${when}`, kept);
}

/** What ran, or was refused, on the server must have been asked for, and sent there, in the log. */
function compareJournaled(ledger: LedgerReading, server: string, it: Journaled, until: number, notes: Notes): void {
  const known = ledger.actions.get(it.action);
  const verb = it.state === 'refused' ? 'was refused by the server' : 'ran on the server';
  const lost = { at: it.at, head: '' };
  if (known === undefined) notes.add(`action ${it.action} ${verb}, and the log does not know it`, lost);
  else if (known.server !== server)
    notes.add(`action ${it.action} ${verb}, and the log has it on ${known.server}`, lost);
  else if (known.digest !== it.digest)
    notes.add(`action ${it.action} ${verb} with another plan than the log has`, lost);
  else if (known.dispatchedAt === null)
    notes.add(`action ${it.action} ${verb}, and by the log it was never sent`, lost);
  else if (differs(known, it, until))
    notes.add(`action ${it.action} ${known.end} by the log, and ${it.state} by the server’s journal`, lost);
}

/** Whether both sides tell an end and not the same. An end that is not told yet, or that a person gave, decides nothing. */
function differs({ end, endedAt }: LedgerAction, { state }: Journaled, until: number): boolean {
  if (end === null || state === end) return false;
  return (state !== 'open' && state !== 'unknown') || (endedAt ?? 0) < until - SLACK_MS;
}

/** What the log says that the server began must be in its journal, as far back as the journal goes. */
function compareLedger(
  ledger: LedgerReading,
  witness: Witness,
  journal: ReadonlyMap<string, Journaled>,
  notes: Notes,
): void {
  const oldest = witness.journal.actions[0]?.at;
  const from = Math.max(ledger.enrolledAt.get(witness.server) ?? 0, oldest === undefined ? 0 : oldest + SLACK_MS);
  const until = witness.at - SLACK_MS;
  for (const [id, { server, metAt, end }] of ledger.actions) {
    if (server !== witness.server || metAt === null || metAt < from || metAt > until || journal.has(id)) continue;
    notes.add(`action ${id} ${end ?? 'began'} there by the log, and the server’s journal does not know it`);
  }
}

class Notes {
  readonly all: WitnessProblem[] = [];
  readonly #ledger: LedgerReading;

  constructor(ledger: LedgerReading) {
    this.#ledger = ledger;
  }

  /** `lost`: what an owner may have accepted as lost, by its time and, for a checkpoint, its head. */
  add(problem: string, lost?: { readonly at: number; readonly head: string }): void {
    if (this.all.length >= PROBLEMS_MAX) return;
    const { accepted } = this.#ledger;
    const covered = accepted !== null && lost !== undefined && isAccepted(accepted, lost);
    this.all.push({ problem, accepted: covered ? `accepted by ${accepted.by} on ${isoTime(accepted.at)}` : null });
  }
}
