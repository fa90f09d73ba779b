/** Signs of life in both directions: a status sample now and then, and pings, so that a half-open link is noticed within 30 s. */
import type { Cancel, Clock } from '@countersign/protocol';
import type { StatusSample } from '@countersign/protocol/agent-wire/facts';
import { encode } from '@countersign/protocol/agent-wire/frame';
import type { Log } from '../host/log.ts';
import type { Wire } from './dial.ts';

const PING_MS = 10_000;
/** After so many pings without any sign of life the link counts as dead: 30 s at most. */
const UNANSWERED_MAX = 2;
/** How often is for the control plane to say within bounds: a hostile one must not keep this server busy with itself. */
const EVERY_LEAST_MS = 1000;
const EVERY_MOST_MS = 600_000;

export interface HeartbeatOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  /** Reads the present figures. Also the moment to look for trouble. */
  readonly sample: () => Promise<StatusSample>;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #unanswered = 0;
  #cancels: Cancel[] = [];
  #ended = false;

  /** Begins at once with a sample. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#ping();
    void this.#beat();
  }

  /** Something came from the other side. */
  heard(): void {
    this.#unanswered = 0;
  }

  end(): void {
    this.#ended = true;
    for (const cancel of this.#cancels) cancel();
  }

  #ping(): void {
    const { clock, wire } = this.#options;
    this.#cancels[0] = clock.after(PING_MS, () => {
      if (this.#unanswered >= UNANSWERED_MAX) return wire.cut();
      this.#unanswered += 1;
      wire.ping();
      this.#ping();
    });
  }

  async #beat(): Promise<void> {
    const { clock, wire, log, sample } = this.#options;
    const everyMs = Math.min(Math.max(this.#options.everyMs, EVERY_LEAST_MS), EVERY_MOST_MS);
    try {
      const found = await sample();
      if (!this.#ended) wire.send(encode({ type: 'heartbeat', clock: clock.now(), sample: found }));
    } catch (error) {
      log.error('sample.failed', { error });
    }
    if (!this.#ended) this.#cancels[1] = clock.after(everyMs, () => void this.#beat());
  }
}
