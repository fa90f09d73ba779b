/**
 * First taps that wait for the second one. Kept in memory on purpose: after a restart, or a minute, a person taps twice again.
 */
import type { Clock } from '@countersign/protocol';

/** How long the second tap may take, milliseconds. */
export const ARMED_MS = 60_000;

export interface Arming {
  /** A person tapped "Approve" for the first time. */
  arm(personId: string, actionId: string): void;
  /** The person went back, or decided. */
  disarm(personId: string, actionId: string): void;
  /** Whether the second tap may come; for how much longer, in milliseconds. */
  armedFor(personId: string, actionId: string): number;
}

export function arming(clock: Pick<Clock, 'monotonic'>): Arming {
  const until = new Map<string, number>();
  const key = (personId: string, actionId: string) => `${personId} ${actionId}`;
  const forgetOld = () => {
    for (const [known, end] of until) if (end <= clock.monotonic()) until.delete(known);
  };
  return {
    arm(personId, actionId) {
      forgetOld();
      until.set(key(personId, actionId), clock.monotonic() + ARMED_MS);
    },
    disarm: (personId, actionId) => void until.delete(key(personId, actionId)),
    armedFor: (personId, actionId) =>
      Math.max(0, (until.get(key(personId, actionId)) ?? Number.NEGATIVE_INFINITY) - clock.monotonic()),
  };
}
