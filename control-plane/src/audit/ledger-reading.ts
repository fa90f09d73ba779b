/**
 * What an audit log says of checkpoints and actions, read entry by entry, so that it can be compared with what servers keep.
 * Pure: the entries come from the database or from an export.
 */
import { NO_HASH } from './entry.ts';

/** One entry, from wherever it is read. */
export interface ReadEntry {
  readonly hash: string;
  readonly body: {
    readonly seq: number;
    readonly at: number;
    readonly event: string;
    readonly server: string | null;
    readonly action: string | null;
    readonly who?: { readonly person?: { readonly name: string } | null };
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** The body of an entry from its text; null when it cannot be read. */
export function readBody(text: string): ReadEntry['body'] | null {
  try {
    const body = JSON.parse(text) as Partial<ReadEntry['body']> | null;
    const whole = typeof body?.seq === 'number' && typeof body.details === 'object' && body.details !== null;
    return whole ? (body as ReadEntry['body']) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What the log says of one action. Times are the control plane's. */
export interface LedgerAction {
  readonly server: string;
  readonly digest: string | null;
  dispatchedAt: number | null;
  /** When the server had begun or refused it; null when it is not known to have. */
  metAt: number | null;
  /** How the server said that it ended; null while it did not, or where people closed it. */
  end: 'refused' | 'succeeded' | 'failed' | 'stopped' | null;
  endedAt: number | null;
}

const ends = {
  'action.refused': 'refused',
  'action.succeeded': 'succeeded',
  'action.failed': 'failed',
  'action.stopped': 'stopped',
} as const;

export class LedgerReading {
  entries = 0;
  head = NO_HASH;
  readonly actions = new Map<string, LedgerAction>();
  /** When each server was enrolled last: its journal and its witness begin there. */
  readonly enrolledAt = new Map<string, number>();
  /** The last word of an owner that a loss is known. */
  accepted: { readonly at: number; readonly heads: readonly string[]; readonly by: string } | null = null;
  readonly #hashes = new Map<number, string>();
  readonly #wanted: ReadonlySet<number>;

  /** `sizes`: the checkpoints that will be compared; of other entries no hash is kept. */
  constructor(sizes: Iterable<number>) {
    this.#wanted = new Set(sizes);
  }

  /** The hash of entry number `size`; undefined when the log has none. */
  hashAt(size: number): string | undefined {
    return this.#hashes.get(size);
  }

  /** The next entry. */
  take({ hash, body }: ReadEntry): void {
    this.entries = Math.max(this.entries, body.seq);
    this.head = hash;
    if (this.#wanted.has(body.seq)) this.#hashes.set(body.seq, hash);
    if (body.event === 'ledger.rollback_accepted') this.#accept(body);
    if (body.server === null) return;
    if (body.event === 'server.enrolled') this.enrolledAt.set(body.server, body.at);
    if (body.action !== null) this.#takeAction(body.server, body.action, body);
  }

  #takeAction(server: string, id: string, { event, at, details }: ReadEntry['body']): void {
    const known = this.actions.get(id);
    if (known === undefined) {
      if (event !== 'action.requested') return;
      const digest = typeof details.digest === 'string' ? details.digest : null;
      this.actions.set(id, { server, digest, dispatchedAt: null, metAt: null, end: null, endedAt: null });
      return;
    }
    if (event === 'action.dispatched') known.dispatchedAt = at;
    else if (event === 'action.started') known.metAt ??= at;
    else if (Object.hasOwn(ends, event)) {
      known.metAt ??= at;
      known.end = ends[event as keyof typeof ends];
      known.endedAt = at;
    }
  }

  #accept({ at, who, details }: ReadEntry['body']): void {
    const heads = Array.isArray(details.heads) ? details.heads.filter((it) => typeof it === 'string') : [];
    this.accepted = { at, heads: [...(this.accepted?.heads ?? []), ...heads], by: who?.person?.name ?? 'an owner' };
  }
}
