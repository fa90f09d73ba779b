/**
 * Delivery of updates to a webhook: one at a time, in order, repeated until it is taken. Like Telegram's own server in its
 * `--local` mode it accepts plain HTTP; an HTTPS address needs a certificate that Node trusts. Method calls in the
 * webhook's answer are not carried out.
 */
import { delay, systemClock } from '@countersign/protocol/clock';
import type { Update, Updates } from './updates.ts';

export interface WebhookTarget {
  readonly url: string;
  readonly secretToken: string;
  readonly maxConnections: number;
}

const RETRY_MS = 1_000;

export class Webhook {
  readonly #updates: Updates;
  readonly #now: () => number;
  #target: WebhookTarget | undefined;
  #running = false;
  #stop = new AbortController();
  lastError: { readonly date: number; readonly message: string } | undefined;

  /** `now` gives Unix time in seconds. */
  constructor(updates: Updates, now: () => number) {
    this.#updates = updates;
    this.#now = now;
    updates.onPush(() => this.#start());
  }

  get target(): WebhookTarget | undefined {
    return this.#target;
  }

  /** Sends updates there from now on; undefined ends that. */
  set(target: WebhookTarget | undefined): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#target = target;
    this.lastError = undefined;
    this.#start();
  }

  #start(): void {
    if (this.#running || this.#target === undefined) return;
    this.#running = true;
    void this.#deliverAll().finally(() => {
      this.#running = false;
      if (this.#updates.size > 0) this.#start();
    });
  }

  async #deliverAll(): Promise<void> {
    const { signal } = this.#stop;
    let confirmed = 0;
    while (this.#target !== undefined && !signal.aborted) {
      const [next] = this.#updates.take(confirmed, 1);
      if (next === undefined) return;
      const failure = await deliver(this.#target, next, signal);
      if (signal.aborted) return;
      if (failure === undefined) {
        confirmed = next.update_id + 1;
      } else {
        this.lastError = { date: this.#now(), message: failure };
        await delay(systemClock, RETRY_MS, signal).catch(() => undefined);
      }
    }
  }
}

/** Why the webhook did not take the update, or undefined when it did. */
async function deliver(target: WebhookTarget, update: Update, signal: AbortSignal): Promise<string | undefined> {
  const secret = target.secretToken === '' ? {} : { 'x-telegram-bot-api-secret-token': target.secretToken };
  try {
    const answer = await fetch(target.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...secret },
      body: JSON.stringify(update),
      signal,
    });
    await answer.arrayBuffer();
    return answer.ok ? undefined : `Wrong response from the webhook: ${answer.status} ${answer.statusText}`;
  } catch (error) {
    return `Connection failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
