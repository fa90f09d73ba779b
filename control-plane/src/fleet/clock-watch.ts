/** Raises an alert for a server whose clock is so far off that changes are refused (threat T12). */
import { ConditionAlert, type ConditionDeps } from './condition-alert.ts';
import { CLOCK_OFFSET_MAX_MS } from './registry.ts';

export class ClockWatch {
  readonly #alert: ConditionAlert;

  constructor(deps: ConditionDeps) {
    this.#alert = new ConditionAlert(deps, {
      kind: 'clock_skew',
      severity: 'warning',
      begins: 'The clock of {server} is off by more than a minute: changes are refused',
      ends: 'The clock of {server} is right again',
    });
  }

  async start(): Promise<void> {
    await this.#alert.load();
  }

  /** Takes a measurement: clock of the server minus ours, milliseconds. */
  take(serverId: string, offsetMs: number): void {
    const holds = Math.abs(offsetMs) > CLOCK_OFFSET_MAX_MS;
    this.#alert.set(serverId, holds, holds ? { detail: ` (${Math.round(offsetMs / 1000)} s)` } : {});
  }

  settled(): Promise<void> {
    return this.#alert.settled();
  }
}
