/** Tells an agent up to where its reports are stored: a moment later, and once for all that was stored meanwhile. */
import type { Cancel, Clock } from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';

/**
 * So long an agent waits for it, milliseconds. Nothing goes on by it but forgetting, and it costs a frame, a line of the outbox and a
 * word to the runner, which would fall into the moment in which the answer to a caller is made.
 */
const AFTER_MS = 50;

export class Acknowledgement {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #send: (seq: number) => void;
  #seq = -1;
  #cancel: Cancel | undefined;
  #isOver = false;

  constructor(clock: Pick<Clock, 'after'>, send: (seq: number) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Everything up to this number is stored. */
  upTo(seq: number): void {
    if (this.#isOver) return;
    this.#seq = seq;
    this.#cancel ??= this.#clock.after(AFTER_MS, () => this.#tell());
  }

  /** The connection is gone: what the agent was not told of it sends again. */
  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #tell(): void {
    this.#cancel = undefined;
    failPoint('fleet.acknowledge.before_send');
    this.#send(this.#seq);
  }
}
