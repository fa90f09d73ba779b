/** Appends to the audit log. Nothing else writes to it, and nothing changes what is in it. */
import type { Json } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { Trx } from '../storage/database.ts';
import { knownInCommit } from '../storage/turn.ts';
import { insertEntry, lastEntry } from './audit.store.ts';
import { INDEXED_AT_ONCE, indexEntries } from './audit-index.store.ts';
import { type EntryBody, entryText, NO_HASH, safeText, storableDetails } from './entry.ts';
import type { AuditEvent, DetailName } from './events.ts';
import { tellOfEntry } from './tell-of-entries.ts';
import type { Who } from './who.ts';

export { type Who, whoIs, whoOf } from './who.ts';

export interface NewEntry<E extends AuditEvent> {
  readonly event: E;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly who: Who;
  readonly serverId?: string | undefined;
  readonly actionId?: string | undefined;
  /** Only what `events.ts` names for this event. */
  readonly details?: { readonly [D in DetailName<E>]?: Json | undefined };
}

type Head = NonNullable<Awaited<ReturnType<typeof lastEntry>>>;

/** The end of the chain as this process left it in the present commit. At the next it is read again: another process may have written. */
const headOf = {
  kept: (trx: Trx) => knownInCommit(trx).get(headOf) as Head | undefined,
  keep: (trx: Trx, head: Head) => void knownInCommit(trx).set(headOf, head),
};

/**
 * Appends one entry inside the caller's transaction, so that nothing happens without its record. Returns its number; numbers
 * have no gaps. Client names and other words from outside are redacted, freed of control characters and cut.
 */
export async function appendEntry<E extends AuditEvent>(trx: Trx, entry: NewEntry<E>): Promise<number> {
  const last = headOf.kept(trx) ?? (await lastEntry(trx));
  const { person, token, client, ip, by } = entry.who;
  const body: EntryBody = {
    seq: (last?.seq ?? 0) + 1,
    prev: last?.hash ?? NO_HASH,
    at: entry.at,
    event: entry.event,
    who: { person, token, client: client === null ? null : safeText(client, 200), ip, by },
    server: entry.serverId ?? null,
    action: entry.actionId ?? null,
    details: storableDetails(entry.event, entry.details ?? {}),
  };
  const text = entryText(body);
  const hash = sha256(text);
  insertEntry(trx, body, text, hash);
  headOf.keep(trx, { seq: body.seq, hash });
  tellOfEntry(trx, entry.event, body.seq);
  if (body.seq % INDEXED_AT_ONCE === 0) await indexEntries(trx);
  return body.seq;
}
