/** What really happened on servers, written down where no part of the product can reach. */

export interface Effect {
  /** Milliseconds of simulated time. */
  readonly at: number;
  /** What the server's own wall clock said, milliseconds since 1970. */
  readonly serverClock: number;
  readonly serverId: string;
  readonly actionId: string;
  readonly step: string;
  readonly kind: 'run' | 'undo';
}

export class EffectLedger {
  readonly effects: Effect[] = [];

  /** Of one action, in the order in which they happened. */
  of(actionId: string): Effect[] {
    return this.effects.filter((effect) => effect.actionId === actionId);
  }
}
