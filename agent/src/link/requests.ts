/** Requests of the control plane that wait for an answer: so many at once, each can be called off, each ends. */
import { type Clock, fault, type Ids } from '@countersign/protocol';
import { encode, FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/frame';
import type { FromAgent, FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { rootCapabilities } from '../ahead.ts';
import type { Log } from '../host/log.ts';
import { bounded, TimeIsUp } from '../run/bounded.ts';
import type { ObserveRequest } from '../run/observe.ts';
import { wireFault } from '../run/wire-fault.ts';
import type { RunnerClient } from './runner-client.ts';

export type RequestMessage = Extract<FromControlPlane, { type: 'observe' | 'preview' | 'ask_witness' }>;

export interface RequestDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly runner: RunnerClient;
  /** Reads here, without the runner: for what needs no root. */
  readonly observeHere: (request: ObserveRequest, signal: AbortSignal) => Promise<unknown>;
  readonly serverName: string;
}

const AT_ONCE_MAX = 32;
/** What the runner gets on top of the request's own time, so that its own words about a timeout come through. */
const GRACE_MS = 1000;

export class Requests {
  readonly #deps: RequestDeps;
  readonly #send: (frame: string) => void;
  readonly #running = new Map<string, AbortController>();

  constructor(deps: RequestDeps, send: (frame: string) => void) {
    this.#deps = deps;
    this.#send = send;
  }

  /** Answers a request, now or later. */
  take(message: RequestMessage): void {
    if (this.#running.size >= AT_ONCE_MAX) this.#fail(message.requestId, fault('agent_busy'));
    else if (!this.#running.has(message.requestId)) void this.#answer(message);
  }

  cancel(requestId: string): void {
    this.#running.get(requestId)?.abort(new Error('nobody waits for the answer any more'));
  }

  /** The session is over: nobody waits for any answer. */
  end(): void {
    for (const requestId of this.#running.keys()) this.cancel(requestId);
  }

  async #answer(message: RequestMessage): Promise<void> {
    const { clock } = this.#deps;
    const { requestId, timeoutMs } = message;
    const controller = new AbortController();
    this.#running.set(requestId, controller);
    try {
      const answer = await bounded(clock, timeoutMs + GRACE_MS, controller.signal, 0, (signal) =>
        this.#fulfil(message, signal),
      );
      const frame = encode(answer);
      const bytes = Buffer.byteLength(frame);
      if (bytes > FRAME_BYTES_MAX) throw fault('too_large', { bytes, limit: FRAME_BYTES_MAX });
      if (!controller.signal.aborted) this.#send(frame);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#fail(
        requestId,
        error instanceof TimeIsUp ? fault('agent_timeout', { seconds: Math.round(timeoutMs / 1000) }) : error,
      );
    } finally {
      this.#running.delete(requestId);
    }
  }

  async #fulfil(message: RequestMessage, signal: AbortSignal): Promise<FromAgent> {
    const { runner, observeHere } = this.#deps;
    const { requestId, timeoutMs } = message;
    if (message.type === 'preview')
      return { type: 'previewed', requestId, preview: await runner.preview(message.draft, timeoutMs, signal) };
    if (message.type === 'ask_witness') return { type: 'witness', requestId, witness: await runner.witness(signal) };
    const { capability: id, parameters } = message;
    const result = rootCapabilities.includes(id)
      ? await runner.observe({ type: 'observe', capability: id, parameters, timeoutMs }, signal)
      : await observeHere({ capability: id, parameters, timeoutMs }, signal);
    return { type: 'observed', requestId, result: result as never };
  }

  #fail(requestId: string, error: unknown): void {
    this.#send(encode({ type: 'request_failed', requestId, fault: wireFault(error, this.#deps) }));
  }
}
