/** Signs of life in both directions: a status sample now and then, and pings, so that a half-open link is noticed within 30 s. */
import type { Cancel, Clock } from '@countersign/protocol';
import type { StatusSample } from '@countersign/protocol/agent-wire/facts';
import { encode } from '@countersign/protocol/agent-wire/frame';
import type { Log } from '../host/log.ts';
import type { Wire } from './dial.ts';

/** Pings are at most so far apart: one that is not answered before the next is noticed in time. */
const PING_MS = 15_000;
/** A link on which nothing came for so long is dead. */
const SILENT_MS = 30_000;
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
  /** Sleep between two pings. A heartbeat is due with each ping, or with each second one and so on: to wake up is what costs. */
  readonly #sleepMs: number;
  readonly #sleepsOfBeat: number;
  /** Sleeps since the last heartbeat. */
  #sleeps = 0;
  #unanswered = 0;
  #sampling = false;
  #cancel: Cancel | null = null;
  #ended = false;

  /** Begins at once with a sample. */
  constructor(options: HeartbeatOptions) {
    const everyMs = Math.min(Math.max(options.everyMs, EVERY_LEAST_MS), EVERY_MOST_MS);
    this.#options = options;
    this.#sleepsOfBeat = Math.ceil(everyMs / PING_MS);
    this.#sleepMs = everyMs / this.#sleepsOfBeat;
    this.#sleep();
    void this.#beat();
  }

  /** Something came from the other side. */
  heard(): void {
    this.#unanswered = 0;
  }

  end(): void {
    this.#ended = true;
    this.#cancel?.();
  }

  #sleep(): void {
    this.#cancel = this.#options.clock.after(this.#sleepMs, () => this.#wake());
  }

  #wake(): void {
    const { wire } = this.#options;
    // What came last may have come right after the ping before the unanswered ones.
    if (this.#unanswered > 0 && (this.#unanswered + 2) * this.#sleepMs > SILENT_MS) {
      wire.cut();
      return;
    }
    this.#unanswered += 1;
    wire.ping();
    this.#sleep();
    this.#sleeps += 1;
    if (this.#sleeps >= this.#sleepsOfBeat && !this.#sampling) void this.#beat();
  }

  async #beat(): Promise<void> {
    const { clock, wire, log, sample } = this.#options;
    this.#sleeps = 0;
    this.#sampling = true;
    try {
      const found = await sample();
      if (!this.#ended) wire.send(encode({ type: 'heartbeat', clock: clock.now(), sample: found }));
    } catch (error) {
      log.error('sample.failed', { error });
    } finally {
      this.#sampling = false;
    }
  }
}
