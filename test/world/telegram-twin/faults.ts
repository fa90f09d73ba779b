/** What goes wrong on purpose. Each fault is used up by the requests that it spoils. */
import type { TwinUser } from './chats.ts';
import { conflict, TelegramError, tooManyRequests } from './telegram-error.ts';
import { OTHER_POLLER, type Updates } from './updates.ts';

type Spoil =
  | { readonly kind: 'refuse'; readonly error: TelegramError }
  | { readonly kind: 'lose' }
  | { readonly kind: 'delay'; readonly ms: number };

interface Planned {
  readonly method: string;
  readonly spoil: Spoil;
  left: number;
}

/** A method's name in any case; `*` stands for every method but `getUpdates`. */
export type FaultyMethod = string;

export class Faults {
  #planned: Planned[] = [];
  #down = false;
  readonly #updates: Updates;
  readonly #blocked: (user: TwinUser, blocked: boolean) => void;

  constructor(updates: Updates, blocked: (user: TwinUser, blocked: boolean) => void) {
    this.#updates = updates;
    this.#blocked = blocked;
  }

  /** Answers 429 with `retry_after`; nothing is done. */
  rateLimit(method: FaultyMethod, retryAfterSeconds: number, times = 1): void {
    this.#plan(method, { kind: 'refuse', error: tooManyRequests(retryAfterSeconds) }, times);
  }

  /** Answers 502 Bad Gateway; nothing is done. */
  serverError(method: FaultyMethod, times = 1): void {
    this.refuse(method, 502, 'Bad Gateway', times);
  }

  /** Answers with any code and description; nothing is done. */
  refuse(method: FaultyMethod, code: number, description: string, times = 1): void {
    this.#plan(method, { kind: 'refuse', error: new TelegramError(code, description) }, times);
  }

  /** Does the work, then drops the connection without an answer. */
  loseAnswer(method: FaultyMethod, times = 1): void {
    this.#plan(method, { kind: 'lose' }, times);
  }

  /** Does the work, and answers that much later, in real time. */
  delayAnswer(method: FaultyMethod, ms: number, times = 1): void {
    this.#plan(method, { kind: 'delay', ms }, times);
  }

  /** Until `outage(false)`, every connection is dropped before anything is done. */
  outage(down: boolean): void {
    this.#down = down;
  }

  /** The person blocks the bot: it gets 403, and an update about it. */
  blockBot(user: TwinUser): void {
    this.#blocked(user, true);
  }

  unblockBot(user: TwinUser): void {
    this.#blocked(user, false);
  }

  /** The next `count` updates come twice: Telegram did not get the bot's confirmation of them. */
  duplicateUpdates(count = 1): void {
    this.#updates.duplicateNext(count);
  }

  /** The next `count` updates are held back until they are all there, and then come newest first. */
  reorderUpdates(count = 2): void {
    this.#updates.reorderNext(count);
  }

  /** Somebody else polls with the same token: the poll under way, or else the next one, gets 409. */
  conflict(): void {
    if (this.#updates.abortHeld(OTHER_POLLER)) return;
    this.#plan('getUpdates', { kind: 'refuse', error: conflict(OTHER_POLLER) }, 1);
  }

  /** Forgets all planned faults and ends an outage. Blocks stay. */
  clear(): void {
    this.#planned = [];
    this.#down = false;
  }

  get isDown(): boolean {
    return this.#down;
  }

  /** The next fault planned for this method, which is used up by asking. */
  take(method: string): Spoil | undefined {
    const found = this.#planned.find(
      (planned) => planned.left > 0 && (planned.method === method.toLowerCase() || matchesAny(planned.method, method)),
    );
    if (found !== undefined) found.left -= 1;
    return found?.spoil;
  }

  #plan(method: FaultyMethod, spoil: Spoil, times: number): void {
    this.#planned = [
      ...this.#planned.filter((planned) => planned.left > 0),
      { method: method.toLowerCase(), spoil, left: times },
    ];
  }
}

function matchesAny(planned: string, method: string): boolean {
  return planned === '*' && method.toLowerCase() !== 'getupdates';
}
