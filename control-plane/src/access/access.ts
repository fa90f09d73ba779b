/** What the use cases of this folder share. */
import type { Core } from '../ports.ts';
import type { Attempts } from './attempts.ts';

export interface AccessCore extends Pick<Core, 'db' | 'clock' | 'ids' | 'log'> {
  /** Seals what must be readable again: secrets of authenticator apps. */
  readonly sealKey: Buffer;
  readonly attempts: Attempts;
  /** Ends what is open for a session or for all sessions and tokens of a person, such as live streams. */
  readonly accessEnded: (ended: { readonly sessionId: string } | { readonly personId: string }) => void;
}

/** Where a request came from, for sessions and the audit log. */
export interface Origin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}
