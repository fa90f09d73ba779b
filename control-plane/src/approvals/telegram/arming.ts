/**
 * First taps that wait for the second one. Kept in memory on purpose: after a restart, or a minute, a person taps twice again.
 */
import type { Clock } from '@countersign/protocol';

/** How long the second tap may take, milliseconds. */
export const ARMED_MS = 60_000;

/** What takes two taps. */
export const twoTapVerbs = ['approve', 'confirm', 'stop'] as const;
export type TwoTapVerb = (typeof twoTapVerbs)[number];

export interface Arming {
  /** A person tapped for the first time. A first tap on something else, before, is forgotten. */
  arm(personId: string, actionId: string, verb: TwoTapVerb): void;
  /** The person went back, or it is done. */
  disarm(personId: string, actionId: string): void;
  /** What the second tap may do, and for how much longer, in milliseconds. */
  armed(personId: string, actionId: string): { readonly verb: TwoTapVerb; readonly forMs: number } | null;
}

export function arming(clock: Pick<Clock, 'monotonic'>): Arming {
  const taps = new Map<string, { readonly verb: TwoTapVerb; readonly until: number }>();
  const key = (personId: string, actionId: string) => `${personId} ${actionId}`;
  const forgetOld = () => {
    for (const [known, { until }] of taps) if (until <= clock.monotonic()) taps.delete(known);
  };
  return {
    arm(personId, actionId, verb) {
      forgetOld();
      taps.set(key(personId, actionId), { verb, until: clock.monotonic() + ARMED_MS });
    },
    disarm: (personId, actionId) => void taps.delete(key(personId, actionId)),
    armed(personId, actionId) {
      forgetOld();
      const tap = taps.get(key(personId, actionId));
      return tap === undefined ? null : { verb: tap.verb, forMs: tap.until - clock.monotonic() };
    },
  };
}
