/**
 * How many actions are in each state, for whoever asks again and again: counting a million takes 45 ms. They are counted once, and
 * from then on by what the audit log says, which has an entry for every change of a state, also of one that another process made.
 */
import { bodyOf } from '../audit/stored-entry.ts';
import type { Db } from '../storage/database.ts';

interface Known {
  readonly counts: ReadonlyMap<string, number>;
  /** The entry up to which the log is in the counts. */
  readonly upTo: number;
}

/** With more entries than this since the last time, counting anew is no dearer. */
const ENTRIES_MAX = 5000;

export class ActionCounts {
  readonly #db: Db;
  #known: Known | null = null;

  constructor(db: Db) {
    this.#db = db;
  }

  /** By state; states that no action is in are left out. Rejects when the database does not answer. */
  async now(): Promise<ReadonlyMap<string, number>> {
    this.#known = (this.#known && (await this.#since(this.#known))) ?? (await this.#anew());
    return this.#known.counts;
  }

  /** One statement, so that the log says nothing that is not counted. */
  async #anew(): Promise<Known> {
    const rows = await this.#db
      .selectFrom('action')
      .select((q) => [
        'state',
        q.fn.countAll<number>().as('n'),
        q
          .selectFrom('audit_entry')
          .select((it) => it.fn.max('seq').as('end'))
          .as('end'),
      ])
      .groupBy('state')
      .execute();
    return { counts: new Map(rows.map(({ state, n }) => [state, Number(n)])), upTo: Number(rows[0]?.end ?? 0) };
  }

  /** What is known, and what came after it; null when that is too much, does not fit, or cannot be read. */
  async #since({ counts, upTo }: Known): Promise<Known | null> {
    const entries = await this.#db
      .selectFrom('audit_entry')
      .select(['seq', 'event', 'body'])
      .where('seq', '>', upTo)
      .orderBy('seq')
      .limit(ENTRIES_MAX)
      .execute();
    if (entries.length === ENTRIES_MAX) return null;
    const now = new Map(counts);
    for (const { event, body } of entries) {
      if (!event.startsWith('action.')) continue;
      const change = changeIn(event, body);
      if (change === null) return null;
      const { from, to } = change;
      if (to === undefined) continue;
      if (from !== undefined) now.set(from, (now.get(from) ?? 0) - 1);
      now.set(to, (now.get(to) ?? 0) + 1);
    }
    for (const [state, n] of now) {
      if (n < 0) return null;
      if (n === 0) now.delete(state);
    }
    return { counts: now, upTo: entries.at(-1)?.seq ?? upTo };
  }
}

/** From which state to which an entry says that an action went. Not every entry of an action is about that. Null: it is damaged. */
function changeIn(event: string, text: string): { readonly from?: string; readonly to?: string } | null {
  const details = bodyOf(text)?.details;
  if (!details) return null;
  const { from, to, state } = details;
  if (event === 'action.requested') return typeof state === 'string' ? { to: state } : {};
  return typeof from === 'string' && typeof to === 'string' ? { from, to } : {};
}
