/** What a run and its workers tell each other. */

/** The part of the fleet that one worker plays. */
export interface Share {
  /** Numbers and ids of its servers. */
  readonly servers: readonly { readonly n: number; readonly id: string }[];
  /** How many servers there are altogether: roles follow from it. */
  readonly fleet: number;
  readonly url: string;
  readonly localAddress: string;
  readonly controlPlaneKey: string;
  readonly ledgerFolder: string;
}

export type ToWorker =
  | { readonly do: 'be'; readonly share: Share }
  /** Connect everybody who behaves, a few at a time. */
  | { readonly do: 'connect' }
  /** Cut all links but those of the steady ones; they come back at once. */
  | { readonly do: 'cut' }
  | { readonly do: 'trouble' }
  | { readonly do: 'alerts'; readonly perSecond: number }
  /** No more alerts and no more trouble; those who made trouble leave. */
  | { readonly do: 'calm' };

/** Sent ten times a second. Counts since the start, unless said otherwise. */
export interface WorkerStatus {
  /** Of those who behave: connected now. */
  readonly connected: number;
  /** Of those who behave: how often one was welcomed. */
  readonly welcomes: number;
  /** Reports that wait for their acknowledgement now. */
  readonly unacknowledged: number;
  /** Whether it was told to be calm, and no alert of it fires any more. */
  readonly isCalm: boolean;
  readonly alerts: number;
  /** Attempts to connect that failed, by reason; of those who behave, and of the others. */
  readonly failed: Readonly<Record<string, number>>;
  readonly failedTrouble: Readonly<Record<string, number>>;
  /** The longest delay of the worker's own event loop since the last status, milliseconds: how far its figures can be trusted. */
  readonly delayMs: number;
}
