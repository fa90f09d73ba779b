/**
 * Tells open pages that entries were appended to the audit log. Most of what people change has no live event of its own, but always
 * an entry. The event names what the entries are about and no more: everybody who may open the stream may read the log.
 */
import type { AuditNoun } from '@countersign/protocol';
import type { Core } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Db, Trx } from '../storage/database.ts';
import type { AuditEvent } from './events.ts';

/** However many entries come, a page hears of them so seldom. It waits longer than that itself before it reads again. */
const GATHERED_MS = 100;

type Tell = (event: AuditEvent, seq: number) => void;

const tellers = new WeakMap<Db, Tell>();

/** From now on pages are told of what this process appends. Entries of another process show when a page reads by itself. */
export function tellOfEntries({ db, clock, live }: Pick<Core, 'db' | 'clock' | 'live'>): void {
  const nouns = new Set<AuditNoun>();
  let newest = 0;
  const tell = () => {
    const told = [...nouns];
    nouns.clear();
    live.publish({ type: 'audit', seq: newest, nouns: told });
  };
  tellers.set(db, (event, seq) => {
    if (nouns.size === 0) clock.after(GATHERED_MS, tell);
    nouns.add(nounOf(event));
    newest = Math.max(newest, seq);
  });
}

/** For the ledger: has pages told of an entry once it is on disk, and not at all when it is taken back. */
export function tellOfEntry(trx: Trx, event: AuditEvent, seq: number): void {
  afterCommit(trx, (db) => tellers.get(db)?.(event, seq));
}

type NounOf<E extends AuditEvent> = E extends `${infer Noun}.${string}` ? Noun : never;

const nounOf = (event: AuditEvent) => event.slice(0, event.indexOf('.')) as NounOf<AuditEvent>;
