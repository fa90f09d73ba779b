/**
 * Everything that the runner reports, on its way to the control plane, in the order in which it happened. Numbered messages
 * come again after a break until they are acknowledged; output comes again until the result of its action is. No more is
 * handed to the socket than it takes. Source: design.md, section 5; fault F7.
 */

import type { AgentAlert } from '@countersign/protocol/agent-wire/facts';
import { encode } from '@countersign/protocol/agent-wire/frame';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { failPoint } from '../fail-points.ts';
import type { FromRunner, OutputChunk, Report } from '../run/runner-wire.ts';
import type { Chunks } from './chunks.ts';
import type { Wire } from './dial.ts';
import type { Kept, Outbox } from './outbox.ts';

/** Beyond this many unsent bytes the rest waits here instead of in the socket. */
const SOCKET_BYTES_MAX = 1024 * 1024;

type StepMessage = Extract<FromRunner, { type: 'step' }>;

export class Deliveries {
  readonly #outbox: Outbox;
  readonly #chunks: Chunks;
  /** Called when the control plane has stored a report. */
  readonly #onStored: (report: { actionId: string; report: Report['kind'] }) => void;
  /** Actions that wait for a human's confirmation: told on every connection until they are over. */
  readonly #confirming = new Map<string, StepMessage>();
  #wire: Wire | null = null;
  #queue: FromAgent[] = [];
  #waits = false;

  constructor(
    outbox: Outbox,
    chunks: Chunks,
    onStored: (report: { actionId: string; report: Report['kind'] }) => void,
  ) {
    this.#outbox = outbox;
    this.#chunks = chunks;
    this.#onStored = onStored;
  }

  /** A session has begun: everything that is not known to be stored is sent again. */
  connect(wire: Wire): void {
    this.#wire = wire;
    this.#waits = false;
    this.#queue = [];
    const ended = new Set<string>();
    for (const { message } of this.#outbox.waiting) {
      if ('actionId' in message && message.type !== 'started') {
        ended.add(message.actionId);
        this.#queueOutput(message.actionId);
      }
      this.#queue.push(message);
    }
    for (const actionId of this.#chunks.actions) if (!ended.has(actionId)) this.#queueOutput(actionId);
    this.#queue.push(...this.#confirming.values());
    this.#pump();
  }

  disconnect(): void {
    this.#wire = null;
    this.#queue = [];
  }

  /** Takes what a runner tells. */
  take(message: Extract<FromRunner, { type: 'report' | 'output' | 'step' }>): void {
    if (message.type === 'report') this.#take(message.report);
    else if (message.type === 'output') {
      const { type: _, ...chunk } = message;
      if (this.#chunks.add(chunk)) this.#send(message);
    } else if (message.phase === 'confirming') this.#ask(message);
    else this.#send(message);
  }

  /** Whether a confirmation of this action was asked for on the present connection. */
  asksToConfirm(actionId: string): boolean {
    return this.#confirming.has(actionId);
  }

  alert(alert: AgentAlert): void {
    this.#post(
      this.#outbox.put(`alert ${alert.kind} ${alert.key} ${alert.state} ${alert.at}`, { type: 'alert', alert }),
    );
  }

  /** The control plane has stored everything up to this number. */
  acknowledge(seq: number): void {
    for (const { message } of this.#outbox.acknowledge(seq)) {
      if (message.type === 'alert') continue;
      if (message.type !== 'started') this.#chunks.forget(message.actionId);
      this.#onStored({ actionId: message.actionId, report: message.type });
    }
  }

  /**
   * A connection that was there before may live on behind rules that let no new one through. So it is cut, and a confirmation
   * is asked for on one that this server has made as it is now.
   */
  #ask(message: StepMessage): void {
    const asked = this.#confirming.has(message.actionId);
    this.#confirming.set(message.actionId, message);
    if (asked) this.#send(message);
    else this.#wire?.cut();
  }

  #take(report: Report): void {
    const { kind, ...rest } = report;
    if (kind !== 'started') this.#confirming.delete(report.actionId);
    this.#post(this.#outbox.put(`${kind} ${report.actionId}`, { type: kind, ...rest } as Parameters<Outbox['put']>[1]));
  }

  #post(kept: Kept | null): void {
    if (kept === null) return;
    this.#send(kept.message);
    // An alert that is lost in a crash of the machine is raised again; a report is not.
    if (kept.message.type !== 'alert') this.#outbox.settle();
  }

  #queueOutput(actionId: string): void {
    for (const chunk of this.#chunks.of(actionId)) this.#queue.push(outputOf(chunk));
  }

  #send(message: FromAgent): void {
    if (this.#wire === null) return;
    this.#queue.push(message);
    this.#pump();
  }

  #pump(): void {
    const wire = this.#wire;
    while (wire?.isOpen && !this.#waits && this.#queue.length > 0) {
      const message = this.#queue.shift();
      if (message === undefined) return;
      this.#waits = wire.waiting > SOCKET_BYTES_MAX;
      wire.send(encode(message), this.#waits ? () => this.#go(wire) : undefined);
      if ('seq' in message) failPoint('link.report.after_send');
    }
  }

  #go(wire: Wire): void {
    if (this.#wire !== wire) return;
    this.#waits = false;
    this.#pump();
  }
}

const outputOf = (chunk: OutputChunk): FromAgent => ({ type: 'output', ...chunk });
