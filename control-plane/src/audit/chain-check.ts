/**
 * Checks the chain of the audit log entry by entry, without keeping it, and names what is wrong: changed, missing, out of
 * place, cut off. Pure: the same check serves the database and an exported file.
 */

import { readNote } from '@countersign/protocol/checkpoint-note';
import { sha256 } from '@countersign/protocol/digest';
import { type EntryBody, NO_HASH } from './entry.ts';
import type { WholeSpan } from './whole-span.ts';

export interface AuditProblem {
  /** Number of the entry; null when it is about the whole log. */
  readonly seq: number | null;
  readonly problem: string;
}

export interface Verdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly head: string;
  readonly checkpoints: number;
  /** By entry number; at most 100. */
  readonly problems: readonly AuditProblem[];
}

const PROBLEMS_MAX = 100;

export class ChainCheck {
  readonly #publicKey: string;
  readonly #problems: AuditProblem[] = [];
  readonly #named = new Set<number>();
  /** Numbers that were passed over and may still turn up in a wrong place. */
  #gaps: { from: number; to: number; foundAfter: number }[] = [];
  #entries = 0;
  #checkpoints = 0;
  #next = 1;
  #head = NO_HASH;
  /** Number of the last entry in its right place, and whether the one after it denied following it. */
  #last = 0;
  #doubted: number | null = null;
  #covered = 0;
  /** Size of a checkpoint that counts more entries than came so far. */
  #cutAt: number | null = null;

  constructor(publicKey: string) {
    this.#publicKey = publicKey;
  }

  /** The next entry as it is stored: the text of its body, the hash kept beside it, and the body read from the text. */
  entry(text: string, hash: string, body: Pick<EntryBody, 'seq' | 'prev'>): void {
    this.#entries += 1;
    const { seq, prev } = body;
    if (sha256(text) !== hash) this.problem(seq, 'was changed: its hash does not fit its content');
    if (seq < this.#next) {
      this.#outOfPlace(seq);
      return;
    }
    if (this.#cutAt !== null && this.#cutAt >= seq)
      this.problem(null, `the checkpoint over ${this.#cutAt} entries is out of place: it stands before entry ${seq}`);
    this.#cutAt = null;
    if (seq > this.#next) {
      this.#gaps.push({ from: this.#next, to: seq - 1, foundAfter: seq });
      this.#settleDoubt(false);
    } else {
      const follows = prev === this.#head;
      this.#settleDoubt(!follows);
      if (!follows && !this.#named.has(seq)) this.#doubted = this.#last;
    }
    this.#last = seq;
    this.#next = seq + 1;
    this.#head = hash;
  }

  /**
   * The next entries, found whole and following one another, as if each had come by itself. Returns false, and takes none, where
   * they do not follow what came before, or something is still open about that.
   */
  span({ first, prev, last, head }: WholeSpan): boolean {
    if (first !== this.#next || prev !== this.#head || this.#doubted !== null || this.#cutAt !== null) return false;
    this.#entries += last - first + 1;
    this.#last = last;
    this.#next = last + 1;
    this.#head = head;
    return true;
  }

  /** The next checkpoint, which must cover exactly the entries so far. */
  checkpoint(note: string): void {
    this.#checkpoints += 1;
    const read = readNote(note, this.#publicKey);
    if (!read) {
      this.problem(null, `the checkpoint after entry ${this.#last} was changed: its signature does not fit`);
      return;
    }
    if (read.size === this.#last && read.head === this.#head) {
      this.#covered = read.size;
      return;
    }
    if (read.size > this.#last) {
      this.#cutAt = read.size;
      return;
    }
    const first = this.#covered + 1;
    const which = first === read.size ? `entry ${first}` : `entries ${first} to ${read.size}`;
    if (this.#problems.length === 0 && this.#doubted === null)
      this.problem(first, `or one soon after it was replaced: the signed checkpoint over ${which} does not fit`);
    this.#covered = read.size;
  }

  /** An entry that cannot be read at all: told as the one that should stand there. */
  unreadable(): void {
    this.problem(this.#next, 'was changed: it cannot be read');
  }

  /** Notes a problem that the reader of the log found by itself. The first one about an entry stays. */
  problem(seq: number | null, problem: string): void {
    if (seq !== null && this.#named.has(seq)) return;
    if (seq !== null) this.#named.add(seq);
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ seq, problem });
  }

  /** What was found, after the last entry and checkpoint. `whole`: how many entries there must be and how they end, where that is known. */
  verdict(whole?: { readonly entries: number; readonly head: string }): Verdict {
    this.#settleDoubt(false);
    for (const { from, to, foundAfter } of this.#gaps) {
      const which = from === to ? 'is missing: it was deleted' : `to ${to} are missing: they were deleted`;
      this.problem(from, `${which} (entry ${foundAfter} follows)`);
    }
    const counted = Math.max(this.#cutAt ?? 0, whole?.entries ?? 0);
    if (counted > this.#last)
      this.problem(this.#last + 1, `is missing: the log is cut off there, it had ${counted} entries`);
    else if (whole && (this.#covered < this.#last || whole.entries < this.#last || whole.head !== this.#head))
      this.problem(null, `the end of the log was changed: entries after ${this.#covered} are not covered`);
    const problems = this.#problems.toSorted(
      (a, b) => (a.seq ?? Number.MAX_SAFE_INTEGER) - (b.seq ?? Number.MAX_SAFE_INTEGER),
    );
    return {
      ok: problems.length === 0,
      entries: this.#entries,
      head: this.#head,
      checkpoints: this.#checkpoints,
      problems,
    };
  }

  /**
   * Entry n+1 did not name the hash of entry n: either n was replaced, or n+1 was. When n+2 does not fit n+1 either, it was
   * n+1; else it was n.
   */
  #settleDoubt(nextFailsToo: boolean): void {
    if (this.#doubted === null) return;
    const guilty = nextFailsToo ? this.#last : this.#doubted;
    this.problem(guilty, 'was replaced: the entry after it names another hash');
    this.#doubted = null;
  }

  #outOfPlace(seq: number): void {
    const gap = this.#gaps.find(({ from, to }) => from <= seq && seq <= to);
    if (!gap) {
      this.problem(seq, 'stands there twice');
      return;
    }
    this.problem(seq, `is out of place: it stands after entry ${this.#last}`);
    this.#gaps = this.#gaps.flatMap((it) =>
      it === gap
        ? [
            { ...it, to: seq - 1 },
            { ...it, from: seq + 1 },
          ].filter(({ from, to }) => from <= to)
        : [it],
    );
  }
}
