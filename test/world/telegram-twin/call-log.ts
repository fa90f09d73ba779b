/** The requests that the bot made. */
import type { Clock } from '@countersign/protocol/clock';
import { waitUntil } from './look.ts';

export interface TwinCall {
  /** As Telegram spells it; as the bot did when there is no such method. */
  readonly method: string;
  readonly parameters: Record<string, unknown>;
  /** Milliseconds since 1970, on the twin's clock. */
  readonly at: number;
  /** The HTTP status; undefined while the request is under way, and 0 when the connection was dropped. */
  status: number | undefined;
  /** Why it was refused. */
  description: string | undefined;
  result: unknown;
}

export class CallLog {
  readonly #calls: TwinCall[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(method: string): TwinCall {
    const at = this.#clock.now();
    const call: TwinCall = { method, parameters: {}, at, status: undefined, description: undefined, result: undefined };
    this.#calls.push(call);
    return call;
  }

  end(call: TwinCall, status: number): void {
    call.status = status;
    for (const listener of [...this.#listeners]) listener();
  }

  /** All calls in their order, or those of one method in any case. */
  list(method?: string): TwinCall[] {
    const wanted = method?.toLowerCase();
    return this.#calls.filter((call) => wanted === undefined || call.method.toLowerCase() === wanted);
  }

  /** The n-th finished call of a method, counted from the twin's start; waits for it for that many real milliseconds. */
  waitFor(method: string, nth: number, timeoutMs: number): Promise<TwinCall> {
    const onEnd = (listener: () => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    const finished = () => this.list(method).filter((call) => call.status !== undefined);
    return waitUntil(
      onEnd,
      () => finished()[nth - 1],
      timeoutMs,
      () => `the bot finished ${finished().length} calls of ${method} within ${timeoutMs} ms, and not ${nth}`,
    );
  }
}
