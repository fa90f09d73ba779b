/**
 * Compares what a server keeps of the audit log with the log itself (threat T22, fault F18). A server that remembers what this
 * database does not have, or has differently, is believed until the same memory agrees again or an owner accepts the loss.
 */
import type { Witnessed } from '@countersign/protocol';
import {
  type Contradiction,
  contradictionOf,
  type KeptWitness,
  keptWitnessOf,
  saveWitnessColumns,
  type WitnessColumns,
} from '../fleet/witness.store.ts';
import type { Db, Trx } from '../storage/database.ts';
import { entryHash, lastEntry } from './audit.store.ts';
import { appendEntry, type Who } from './ledger.ts';
import { acceptedRollback, isAccepted } from './rollback.store.ts';

export interface Told extends Witnessed {
  /** The server's own signature over it, where it came with one that was verified. */
  readonly signature: string | null;
}

export interface Judgement {
  readonly contradiction: Contradiction | null;
  /** Columns of the server that change by it. */
  readonly columns: Partial<Pick<WitnessColumns, 'witness_json' | 'contradiction_json'>>;
  /** Whether it is a new contradiction, to be put on record. */
  readonly isNew: boolean;
}

/** What follows from what a server keeps. Reads only. `told`: null when it tells nothing new, only the old is looked at. */
export async function judgeWitnessed(
  db: Db | Trx,
  server: WitnessColumns,
  told: Told | null,
  now: number,
): Promise<Judgement> {
  const stored = contradictionOf(server.contradiction_json);
  const known = keptWitnessOf(server.witness_json);
  const accepted = await acceptedRollback(db);
  let contradiction: Contradiction | null = null;
  // The stored one first: a newer checkpoint that agrees does not make the older one agree.
  for (const kept of [stored, told]) {
    if (kept === null || contradiction !== null || isAccepted(accepted, kept)) continue;
    contradiction = await contradictionWith(db, kept, now);
  }
  const same = stored !== null && contradiction !== null && sameHead(stored, contradiction);
  return {
    contradiction: same ? stored : contradiction,
    isNew: contradiction !== null && !same,
    columns: {
      ...(same || (stored === null && contradiction === null)
        ? {}
        : { contradiction_json: contradiction && JSON.stringify(contradiction) }),
      ...newerWitness(server, known, told),
    },
  };
}

/** Stores a judgement in the caller's transaction; a new contradiction goes into the audit log. */
export async function keepJudgement(
  trx: Trx,
  serverId: string,
  { contradiction, columns, isNew }: Judgement,
  { at, who }: { readonly at: number; readonly who: Who },
): Promise<void> {
  if (Object.keys(columns).length > 0) await saveWitnessColumns(trx, serverId, columns);
  if (!isNew || contradiction === null) return;
  const { kind, size, head, entries } = contradiction;
  const details = { kind, size, head, kept_at: contradiction.at, entries };
  await appendEntry(trx, { event: 'ledger.contradicted', at, who, serverId, details });
}

/** How a kept checkpoint contradicts the log; null when it agrees. */
export async function contradictionWith(db: Db | Trx, kept: Witnessed, now: number): Promise<Contradiction | null> {
  const ours = await entryHash(db, kept.size);
  if (ours === kept.head) return null;
  const { size, head, at } = kept;
  const entries = (await lastEntry(db))?.seq ?? 0;
  return { kind: ours === undefined ? 'rolled_back' : 'rewritten', size, head, at, entries, seenAt: now };
}

/** The column of what a server keeps, where it tells more than is known. What it countersigned once is never exchanged for less. */
function newerWitness({ witness_key }: WitnessColumns, known: KeptWitness | null, told: Told | null) {
  if (told === null || (known !== null && told.size < known.size)) return {};
  if (known !== null && sameHead(known, told) && (told.signature === null || known.signature !== null)) return {};
  const { size, head, at, signature } = told;
  const kept: KeptWitness = { size, head, at, signature, key: signature === null ? null : witness_key };
  return { witness_json: JSON.stringify(kept) };
}

function sameHead(a: Pick<Witnessed, 'size' | 'head'>, b: Pick<Witnessed, 'size' | 'head'>): boolean {
  return a.size === b.size && a.head === b.head;
}
