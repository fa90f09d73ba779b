/** What one agent may take of the control plane, and how long it may be silent. Threats T13; faults F7, F15 and F16. */

export interface FleetLimits {
  /** From the first byte to a proven hello, milliseconds. */
  readonly handshakeMs: number;
  /** How long one may wait before that to be let in, milliseconds. Links wait 15 s for this, of which some is spent before we see them. */
  readonly inLineMs: number;
  /** Handshakes that are under way, at most; whoever comes then waits. */
  readonly handshakesAtOnce: number;
  /** After so long a handshake does not count as under way any more: those who keep silent keep nobody out, milliseconds. */
  readonly handshakeCountsMs: number;
  /** Connections that have not proven themselves yet, all together; and as many may wait before that, of those who are known and of strangers. */
  readonly unprovenMax: number;
  /** The largest frame before an agent has proven itself, bytes. */
  readonly unprovenFrameBytes: number;
  /** How often agents are to send a heartbeat, milliseconds. */
  readonly heartbeatMs: number;
  /** A link is asked for a sign of life when it was silent for so long, milliseconds. One that is well gives one each 15 s. */
  readonly pingAfterMs: number;
  /** A link that was silent for so long is dead, milliseconds. With the sweep on top this stays under 30 s. */
  readonly deadAfterMs: number;
  /** How often silence is looked at, milliseconds. */
  readonly sweepMs: number;
  /** How long the older link has to answer when a second one of the same server comes, milliseconds. */
  readonly probeMs: number;
  /**
   * Frames and bytes per second that one agent may send for long, and at once. Beyond that we read more slowly. Sixty commands that each
   * print 1 MiB are the work of a person and come at once; they cost us some three seconds of a core.
   */
  readonly framesPerSecond: number;
  readonly framesAtOnce: number;
  readonly bytesPerSecond: number;
  readonly bytesAtOnce: number;
  /** Reports that wait to be stored; beyond that we stop reading until they are. */
  readonly reportsWaiting: number;
  readonly reportBytesWaiting: number;
  /** What may wait to be taken by an agent that reads slowly, bytes; beyond that the link is ended. */
  readonly unsentBytes: number;
  /** Requests that are under way on one server, and those that wait for their turn. */
  readonly requestsAtOnce: number;
  readonly requestsWaiting: number;
  /** What an agent gets on top of a request's own timeout to answer, milliseconds. */
  readonly answerGraceMs: number;
}

export const fleetLimits: FleetLimits = {
  handshakeMs: 10_000,
  inLineMs: 6000,
  handshakesAtOnce: 512,
  handshakeCountsMs: 250,
  unprovenMax: 20_000,
  unprovenFrameBytes: 256 * 1024,
  heartbeatMs: 30_000,
  pingAfterMs: 17_500,
  deadAfterMs: 25_000,
  sweepMs: 2500,
  probeMs: 5000,
  framesPerSecond: 200,
  framesAtOnce: 2000,
  bytesPerSecond: 4 * 1024 * 1024,
  bytesAtOnce: 64 * 1024 * 1024,
  reportsWaiting: 64,
  reportBytesWaiting: 4 * 1024 * 1024,
  unsentBytes: 16 * 1024 * 1024,
  requestsAtOnce: 32,
  requestsWaiting: 256,
  answerGraceMs: 2000,
};
