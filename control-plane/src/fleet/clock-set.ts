/** Notices that the wall clock of this machine was set, by hand or by NTP. Threat T12, fault F14. */
import type { Clock } from '@countersign/protocol';

/** More than clocks drift between two small corrections, milliseconds. */
const SET_MS = 5000;

/** How far the wall clock is ahead of the monotonic one, milliseconds: it stays the same until the wall clock is set. */
export function clockLead(clock: Clock): number {
  return clock.now() - clock.monotonic();
}

/** Whether the wall clock was set since it was so far ahead. */
export function clockSetSince(clock: Clock, lead: number): boolean {
  return Math.abs(clockLead(clock) - lead) > SET_MS;
}
