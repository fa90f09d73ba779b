/** A small audit log with two servers that witnessed it, and somebody with root rights and our keys who changes the log. */
import type { SignedWitness, Witness } from '@countersign/protocol';
import { canonicalJson } from '@countersign/protocol';
import { type Checkpoint, writeNote } from '@countersign/protocol/checkpoint-note';
import { sha256 } from '@countersign/protocol/digest';
import { makeSigningKey, type SigningKey, signValue } from '@countersign/protocol/signing';
import { type EntryBody, NO_HASH } from '../../src/audit/entry.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { columnsOf } from '../../src/audit/stored-entry.ts';
import type { AuditCheckpointTable, AuditEntryTable } from '../../src/storage/audit-tables.ts';

export const servers = ['srv_000000000001', 'srv_000000000002'] as const;
const began = Date.UTC(2026, 10, 1);
const HOUR = 3_600_000;
const minute = 60_000;

export interface Ledger {
  readonly entries: AuditEntryTable[];
  readonly checkpoints: AuditCheckpointTable[];
}
export type NewBody = Pick<EntryBody, 'event' | 'server' | 'action' | 'details'>;

/** Appends one entry as the ledger does, without a database. */
export function append(log: Ledger, body: NewBody): void {
  const last = log.entries.at(-1);
  const seq = (last?.seq ?? 0) + 1;
  const whole = { ...body, seq, prev: last?.hash ?? NO_HASH, at: began + seq * minute, who: whoIs('system') };
  log.entries.push(rowOf(whole));
}

export function rowOf(body: EntryBody): AuditEntryTable {
  const text = canonicalJson(body);
  return { ...columnsOf(body), body: text, hash: sha256(text) };
}

export function sign(log: Ledger, key: SigningKey): void {
  const last = log.entries.at(-1);
  if (!last || log.checkpoints.at(-1)?.size === last.seq) return;
  const made: Checkpoint = { size: last.seq, head: last.hash, at: last.at };
  log.checkpoints.push({ ...made, note: writeNote(made, key) });
}

/** Makes hashes fit again from entry number `from` on, as somebody does who rewrites the log. */
export function rehash(log: Ledger, from: number): void {
  for (let n = from - 1; n < log.entries.length; n += 1) {
    const body = JSON.parse(log.entries[n]?.body ?? '') as EntryBody;
    log.entries[n] = rowOf({ ...body, seq: n + 1, prev: log.entries[n - 1]?.hash ?? NO_HASH });
  }
}

/** Signs every checkpoint anew over what stands there now: only the holder of the control plane's key can. */
export function resign(log: Ledger, key: SigningKey): void {
  const sizes = log.checkpoints.map(({ size }) => Math.min(size, log.entries.length));
  log.checkpoints.length = 0;
  for (const size of new Set([...sizes, log.entries.length])) {
    const head = log.entries[size - 1];
    if (head) log.checkpoints.push(noteOver(head, size, key));
  }
}

function noteOver({ hash, at }: AuditEntryTable, size: number, key: SigningKey): AuditCheckpointTable {
  const made = { size, head: hash, at };
  return { ...made, note: writeNote(made, key) };
}

const actionId = (n: number) => `act_${String(n).padStart(12, '0')}`;

/** The way of one action through the log. */
export function actionEntries(n: number, server: string, end: 'succeeded' | 'failed'): NewBody[] {
  const of = { server, action: actionId(n) };
  const digest = sha256(`plan ${n}`);
  return (['requested', 'approved', 'dispatched', 'started', end] as const).map((word) => ({
    ...{ ...of, event: `action.${word}` },
    details: { digest, ...(word === 'requested' && { title: `Restart unit ${n}`, risk: 'low' }) },
  }));
}

/** A log of 26 entries with a checkpoint after every fourth and at the end, and what two servers keep of it. */
export function witnessedLedger(key: SigningKey) {
  const log: Ledger = { entries: [], checkpoints: [] };
  const bodies: NewBody[] = [
    ...servers.map((server) => ({ event: 'server.enrolled', server, action: null, details: { hostname: server } })),
    ...[1, 2, 3, 4].flatMap((n) => actionEntries(n, servers[n % 2] ?? '', n === 3 ? 'failed' : 'succeeded')),
    ...[1, 2, 3, 4].map((n) => ({
      ...{ event: 'token.created', server: null, action: null },
      details: { name: `laptop ${n}`, scope: 'request' },
    })),
  ];
  for (const body of bodies) {
    append(log, body);
    if (log.entries.length % 4 === 0) sign(log, key);
  }
  sign(log, key);
  const kept = log.checkpoints.map(({ size, head, at }) => ({ size, head, at }));
  const [first, second] = servers;
  return {
    log,
    witnesses: [
      statement(
        first,
        kept,
        [2, 4].map((n) => journaled(n, 'succeeded')),
      ),
      statement(second, kept.slice(-1), [journaled(1, 'succeeded'), journaled(3, 'failed')]),
    ],
  };
}

export function journaled(n: number, state: Witness['journal']['actions'][number]['state'], at = began) {
  return { action: actionId(n), digest: sha256(`plan ${n}`), state, at };
}

/** A statement, signed with the server's own key. */
export function statement(
  server: string,
  checkpoints: Witness['checkpoints'],
  actions: Witness['journal']['actions'],
  more: { readonly witness?: Partial<Witness>; readonly journal?: Partial<Witness['journal']> } = {},
): SignedWitness & { readonly own: SigningKey } {
  const own = makeSigningKey();
  const witness: Witness = {
    ...{ format: 'countersign-witness/1', server, key: own.publicKey, at: began + 10 * HOUR, checkpoints },
    journal: { head: sha256(server), lines: 10, broken: null, actions, ...more.journal },
    ...more.witness,
  };
  return { own, witness, signature: signValue('witness', witness, own.seed) };
}
