/** Taps on inline buttons that wait for the bot's `answerCallbackQuery`. */
import type { Clock } from '@countersign/protocol/clock';
import { badRequest } from './telegram-error.ts';

/** What the person who tapped sees: a toast, or an alert with an OK button. Without a text, nothing. */
export interface CallbackAnswer {
  readonly text: string;
  readonly showAlert: boolean;
  readonly url?: string;
}

interface OpenCallback {
  readonly since: number;
  readonly settle: (answer: CallbackAnswer) => void;
}

// Telegram does not document it; bots report that answers are refused after about this long.
const ANSWER_WITHIN_MS = 15_000;
const FIRST_ID = 3_050_000_000_000_000_001n;

export class Callbacks {
  readonly #open = new Map<string, OpenCallback>();
  readonly #clock: Clock;
  #next = FIRST_ID;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new query: its id, and the answer, which never comes when the bot stays silent. */
  open(): { id: string; answer: Promise<CallbackAnswer> } {
    const { promise, resolve } = Promise.withResolvers<CallbackAnswer>();
    const id = String(this.#next);
    this.#next += 1n;
    this.#open.set(id, { since: this.#clock.now(), settle: resolve });
    return { id, answer: promise };
  }

  /** Answers a query. Throws a 400 when there is none with this id, or when it is too old. A second answer changes nothing. */
  answer(id: string, answer: CallbackAnswer): void {
    const open = this.#open.get(id);
    if (open === undefined || this.#clock.now() - open.since > ANSWER_WITHIN_MS) {
      throw badRequest('query is too old and response timeout expired or query ID is invalid');
    }
    open.settle(answer);
  }
}
