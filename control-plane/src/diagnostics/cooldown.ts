/** A pause per server between broad diagnoses, which cost a server more than single ones. */
import type { Clock } from '@countersign/protocol';

const SERVERS_KEPT = 10_000;

export class Cooldown {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #ms: number;
  readonly #until = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, ms = 30_000) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Begins the pause of a server. Returns 0, or how many seconds of the present one are left; then nothing begins. */
  begin(serverId: string): number {
    const now = this.#clock.monotonic();
    const left = (this.#until.get(serverId) ?? 0) - now;
    if (left > 0) return Math.ceil(left / 1000);
    if (this.#until.size >= SERVERS_KEPT) this.#forgetPast(now);
    this.#until.set(serverId, now + this.#ms);
    return 0;
  }

  /** Ends it early: nothing reached the server after all. */
  end(serverId: string): void {
    this.#until.delete(serverId);
  }

  #forgetPast(now: number): void {
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id);
  }
}
