/**
 * The queue of updates for the bot, and long polling on it. Two mercies that Telegram does not have: a poll that repeats
 * its offset is not slowed down, and a 409 comes at once instead of after 3 seconds.
 */
import { type Cancel, systemClock } from '@countersign/protocol/clock';
import type { JsonObject } from './json-fields.ts';
import { conflict, type TelegramError } from './telegram-error.ts';

export interface Update extends JsonObject {
  readonly update_id: number;
}

export interface Poll {
  /** 0 for "from the oldest"; negative for "only that many of the newest". */
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal;
}

interface Pending {
  readonly update: Update;
  /** How many times the bot's confirmation of this update still gets lost. */
  lostConfirmations: number;
}

interface Held {
  readonly poll: Poll;
  readonly answer: (updates: Update[]) => void;
  readonly refuse: (error: TelegramError) => void;
}

const OPT_IN = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);
const FIRST_UPDATE_ID = 873_000_001;
export const OTHER_POLLER = 'terminated by other getUpdates request; make sure that only one bot instance is running';

export class Updates {
  #pending: Pending[] = [];
  #nextId = FIRST_UPDATE_ID;
  #held: Held | undefined;
  #allowed: ReadonlySet<string> | undefined;
  #duplicates = 0;
  #reordered = 0;
  readonly #listeners = new Set<() => void>();

  /** How many updates wait for the bot. */
  get size(): number {
    return this.#pending.length;
  }

  /** The kinds that the bot asked for; undefined for Telegram's default. */
  get allowed(): string[] | undefined {
    return this.#allowed === undefined ? undefined : [...this.#allowed];
  }

  /** From now on only these kinds are queued. An empty list means Telegram's default. */
  allow(kinds: readonly string[]): void {
    this.#allowed = kinds.length === 0 ? undefined : new Set(kinds);
  }

  /** Queues one update of a kind such as `message`; a kind that the bot did not ask for is dropped. */
  push(kind: string, body: JsonObject): void {
    if (this.#allowed === undefined ? OPT_IN.has(kind) : !this.#allowed.has(kind)) return;
    const lostConfirmations = this.#duplicates > 0 ? 1 : 0;
    this.#duplicates -= lostConfirmations;
    this.#pending.push({ update: { update_id: this.#nextId, [kind]: body }, lostConfirmations });
    this.#nextId += 1;
    this.#answerHeld();
    for (const listener of this.#listeners) listener();
  }

  /** Calls the listener after each queued update. */
  onPush(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** The next `count` updates are delivered a second time after the bot confirmed them. */
  duplicateNext(count: number): void {
    this.#duplicates += count;
  }

  /** Holds updates back until `count` wait, and then delivers them newest first, once. 0 lets go of what was held back. */
  reorderNext(count: number): void {
    this.#reordered = count;
    this.#answerHeld();
  }

  clear(): void {
    this.#pending = [];
  }

  /** Answers `getUpdates`. A poll that is already held is ended with a 409, since there may be only one. */
  poll(poll: Poll): Promise<Update[]> {
    this.abortHeld(OTHER_POLLER);
    const ready = this.take(poll.offset, poll.limit);
    if (ready.length > 0 || poll.timeoutSeconds === 0) return Promise.resolve(ready);
    return new Promise((resolve, reject) => this.#hold(poll, resolve, reject));
  }

  /** Ends the poll that is held, if any, with a 409. Returns whether there was one. */
  abortHeld(reason: string): boolean {
    const held = this.#held;
    held?.refuse(conflict(reason));
    return held !== undefined;
  }

  /** Ends the poll that is held as if its time were over. */
  release(): void {
    this.#held?.answer([]);
  }

  /** Confirms everything before `offset`, and returns at most `limit` updates from there on. */
  take(offset: number, limit: number): Update[] {
    if (offset < 0) this.#pending = this.#pending.slice(offset);
    this.#pending = this.#pending.filter((pending) => {
      if (pending.update.update_id >= offset) return true;
      pending.lostConfirmations -= 1;
      return pending.lostConfirmations >= 0;
    });
    if (this.#pending.length < this.#reordered) return [];
    const batch = this.#pending.slice(0, limit).map((pending) => pending.update);
    if (this.#reordered > 0) batch.reverse();
    this.#reordered = 0;
    return batch;
  }

  #hold(poll: Poll, resolve: (updates: Update[]) => void, reject: (error: TelegramError) => void): void {
    let cancel: Cancel = () => undefined;
    const end = () => {
      cancel();
      poll.signal.removeEventListener('abort', onAbort);
      if (this.#held === held) this.#held = undefined;
    };
    const held: Held = {
      poll,
      answer: (updates) => {
        end();
        resolve(updates);
      },
      refuse: (error) => {
        end();
        reject(error);
      },
    };
    const onAbort = () => held.answer([]);
    // Real time, even when the twin's dates come from a simulated clock: this is how long a socket stays silent.
    cancel = systemClock.after(poll.timeoutSeconds * 1000, onAbort);
    poll.signal.addEventListener('abort', onAbort);
    this.#held = held;
    if (poll.signal.aborted) onAbort();
  }

  #answerHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    const ready = this.take(held.poll.offset, held.poll.limit);
    if (ready.length > 0) held.answer(ready);
  }
}
