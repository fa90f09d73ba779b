/** Notices that the wall clock of this machine was set, by hand or by NTP. Threat T12, fault F14. */
import type { Clock } from '@countersign/protocol';

/** More than clocks drift between two small corrections, milliseconds. */
const SET_MS = 5000;

/** Begins to watch. The function tells whether the clock was set since then. */
export function clockSet(clock: Clock): () => boolean {
  const ahead = () => clock.now() - clock.monotonic();
  const before = ahead();
  return () => Math.abs(ahead() - before) > SET_MS;
}
