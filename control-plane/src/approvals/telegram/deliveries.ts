/**
 * Which copies have to be brought up to date, most urgent first. A job is a pair of action and chat and says nothing of the
 * content: that is made when its turn comes, so an edit that was overtaken is never sent. At most {@link PARALLEL} at once,
 * one per chat; a chat that Telegram slows down waits alone. Nothing is kept on disk: the sweep finds what was lost.
 */
import type { Cancel, Clock } from '@countersign/protocol';
import type { Log } from '../../ports.ts';
import { troubleOf } from './trouble.ts';

/** Lower comes first: a new card or an answer to a tap, the news of a decision, progress of a run. */
export const urgency = { card: 0, decision: 1, progress: 2 } as const;
export type Urgency = (typeof urgency)[keyof typeof urgency];

export interface Job {
  readonly actionId: string;
  readonly chatId: string;
}

export interface DeliveriesDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Brings one copy up to date. Returns after how many milliseconds it wants to be called again, if it does. */
  readonly carryOut: (job: Job) => Promise<number | undefined>;
}

export interface Deliveries extends AsyncDisposable {
  add(job: Job, how: Urgency): void;
  /** Forgets all waiting times: Telegram answers again. */
  hurry(): void;
  /** Resolves when nothing is due any more; what waits for its time does not count. */
  settled(): Promise<void>;
}

interface Waiting extends Job {
  how: Urgency;
  notBefore: number;
  failures: number;
  readonly order: number;
}

const PARALLEL = 4;
const FIRST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 30_000;

export function deliveries(deps: DeliveriesDeps): Deliveries {
  return new Queue(deps);
}

const keyOf = ({ actionId, chatId }: Job) => `${actionId} ${chatId}`;

class Queue implements Deliveries {
  readonly #deps: DeliveriesDeps;
  readonly #waiting = new Map<string, Waiting>();
  readonly #chatsAtWork = new Set<string>();
  readonly #chatWaitsUntil = new Map<string, number>();
  readonly #atWork = new Set<Promise<void>>();
  #added = 0;
  #cancel: Cancel = () => undefined;
  #stopped = false;

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps;
  }

  add(job: Job, how: Urgency): void {
    if (this.#stopped) return;
    const known = this.#waiting.get(keyOf(job));
    if (known) {
      // Something more urgent does not wait for the moment that less urgent news may be shown.
      if (how < known.how) Object.assign(known, { how, notBefore: 0 });
    } else {
      this.#waiting.set(keyOf(job), { ...job, how, notBefore: 0, failures: 0, order: this.#nextOrder() });
    }
    this.#work();
  }

  hurry(): void {
    this.#chatWaitsUntil.clear();
    for (const waiting of this.#waiting.values()) Object.assign(waiting, { notBefore: 0, failures: 0 });
    this.#work();
  }

  async settled(): Promise<void> {
    while (this.#atWork.size > 0) await Promise.all(this.#atWork);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    this.#cancel();
    await this.settled();
  }

  #work(): void {
    this.#cancel();
    const now = this.#deps.clock.monotonic();
    while (this.#atWork.size < PARALLEL) {
      const next = this.#next(now);
      if (next === undefined) break;
      this.#begin(next);
    }
    const soonest = Math.min(...[...this.#waiting.values()].map((waiting) => this.#dueAt(waiting)));
    if (!this.#stopped && soonest < Number.POSITIVE_INFINITY && soonest > now)
      this.#cancel = this.#deps.clock.after(soonest - now, () => this.#work());
  }

  #next(now: number): Waiting | undefined {
    return [...this.#waiting.values()]
      .filter((waiting) => !this.#chatsAtWork.has(waiting.chatId) && this.#dueAt(waiting) <= now)
      .sort((a, b) => a.how - b.how || a.order - b.order)[0];
  }

  #dueAt({ chatId, notBefore }: Waiting): number {
    return Math.max(notBefore, this.#chatWaitsUntil.get(chatId) ?? 0);
  }

  #begin(job: Waiting): void {
    this.#waiting.delete(keyOf(job));
    this.#chatsAtWork.add(job.chatId);
    const work = this.#carryOut(job).finally(() => {
      this.#chatsAtWork.delete(job.chatId);
      this.#atWork.delete(work);
      this.#work();
    });
    this.#atWork.add(work);
  }

  async #carryOut(job: Waiting): Promise<void> {
    try {
      const againMs = await this.#deps.carryOut(job);
      if (againMs !== undefined) this.#again({ ...job, how: urgency.progress, failures: 0 }, againMs);
    } catch (error) {
      this.#failed(job, error);
    }
  }

  #failed(job: Waiting, error: unknown): void {
    const { log } = this.#deps;
    const failures = job.failures + 1;
    const waitMs = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10));
    try {
      const trouble = troubleOf(error);
      if (trouble.kind === 'slow_down') {
        this.#chatWaitsUntil.set(job.chatId, this.#deps.clock.monotonic() + trouble.afterMs);
        this.#again(job, 0);
        return;
      }
      if (failures === 1) log.warn('telegram.card_waits', { action: job.actionId, problem: trouble.words });
      if (trouble.kind === 'refused') return;
    } catch (own) {
      log.error('telegram.card_failed', { action: job.actionId, error: own });
    }
    this.#again({ ...job, failures }, waitMs);
  }

  /** Puts a job back, unless it was asked for again meanwhile. */
  #again(job: Waiting, afterMs: number): void {
    if (this.#stopped) return;
    const known = this.#waiting.get(keyOf(job));
    if (known) Object.assign(known, { failures: job.failures });
    else this.#waiting.set(keyOf(job), { ...job, notBefore: this.#deps.clock.monotonic() + afterMs });
  }

  #nextOrder(): number {
    this.#added += 1;
    return this.#added;
  }
}
