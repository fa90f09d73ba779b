/** Requests that wait for an agent's answer: bounded, each with a timeout, each can be called off. */
import { type Clock, fault } from '@countersign/protocol';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import type { FleetLimits } from './limits.ts';

/** What the answer to a request must be. */
export type AnswerType = 'observed' | 'previewed' | 'witness';

export interface Request {
  readonly answer: AnswerType;
  /** Makes the frame to send when its turn comes. */
  readonly message: (requestId: string) => FromControlPlane;
  /** How long to wait for the answer, from now on, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting extends Request {
  readonly id: string;
  sent: boolean;
  readonly settle: (outcome: { answer: unknown } | { error: unknown }) => void;
}

interface RequestDeps {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly limits: Pick<FleetLimits, 'requestsAtOnce' | 'requestsWaiting'>;
  readonly serverName: string;
  readonly send: (message: FromControlPlane) => void;
}

export class Requests {
  readonly #deps: RequestDeps;
  /** In the order in which they came. */
  readonly #all = new Map<string, Waiting>();
  #sent = 0;

  constructor(deps: RequestDeps) {
    this.#deps = deps;
  }

  /**
   * Sends a request, at once or when its turn comes, and resolves with the answer as it came. Rejects with `agent_busy`,
   * `agent_timeout`, the agent's own fault, what {@link endAll} was given, or the signal's reason.
   */
  start(request: Request): Promise<unknown> {
    const { clock, limits, serverName } = this.#deps;
    if (request.signal?.aborted) return Promise.reject(request.signal.reason);
    if (this.#all.size >= limits.requestsAtOnce + limits.requestsWaiting)
      return Promise.reject(fault('agent_busy', { server: serverName }));
    return new Promise((resolve, reject) => {
      const id = this.#deps.newId();
      const giveUp = (error: unknown) => this.#callOff(id, error);
      const onAbort = () => giveUp(request.signal?.reason);
      const cancelTimer = clock.after(request.timeoutMs, () =>
        giveUp(fault('agent_timeout', { server: serverName, seconds: Math.round(request.timeoutMs / 1000) })),
      );
      request.signal?.addEventListener('abort', onAbort, { once: true });
      const settle: Waiting['settle'] = (outcome) => {
        cancelTimer();
        request.signal?.removeEventListener('abort', onAbort);
        if ('error' in outcome) reject(outcome.error);
        else resolve(outcome.answer);
      };
      this.#all.set(id, { ...request, id, sent: false, settle });
      this.#sendDue();
    });
  }

  /** Takes an answer. Returns false when nobody waits for it, or for one of another kind. */
  answered(id: string, type: AnswerType, answer: unknown): boolean {
    const waiting = this.#all.get(id);
    if (waiting === undefined || waiting.answer !== type) return false;
    this.#remove(waiting, { answer });
    return true;
  }

  failed(id: string, error: unknown): boolean {
    const waiting = this.#all.get(id);
    if (waiting === undefined) return false;
    this.#remove(waiting, { error });
    return true;
  }

  /** The connection is gone: nothing will be answered any more. */
  endAll(error: unknown): void {
    const all = [...this.#all.values()];
    this.#all.clear();
    this.#sent = 0;
    for (const { settle } of all) settle({ error });
  }

  #callOff(id: string, error: unknown): void {
    const waiting = this.#all.get(id);
    if (waiting === undefined) return;
    if (waiting.sent) this.#deps.send({ type: 'cancel', requestId: id });
    this.#remove(waiting, { error });
  }

  #remove(waiting: Waiting, outcome: { answer: unknown } | { error: unknown }): void {
    this.#all.delete(waiting.id);
    if (waiting.sent) this.#sent -= 1;
    waiting.settle(outcome);
    this.#sendDue();
  }

  #sendDue(): void {
    if (this.#sent >= this.#deps.limits.requestsAtOnce || this.#sent === this.#all.size) return;
    for (const waiting of [...this.#all.values()]) {
      if (this.#sent >= this.#deps.limits.requestsAtOnce) return;
      if (!waiting.sent) this.#send(waiting);
    }
  }

  #send(waiting: Waiting): void {
    waiting.sent = true;
    this.#sent += 1;
    try {
      this.#deps.send(waiting.message(waiting.id));
    } catch (error) {
      this.#remove(waiting, { error });
    }
  }
}
