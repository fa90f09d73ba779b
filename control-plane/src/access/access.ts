/** What the use cases of this folder share. */
import type { Core } from '../ports.ts';
import type { Attempts } from './attempts.ts';
import type { Passwords } from './passwords.ts';

export interface AccessCore extends Pick<Core, 'db' | 'clock' | 'ids' | 'log'> {
  /** Seals what must be readable again: secrets of authenticator apps. */
  readonly sealKey: Buffer;
  readonly attempts: Attempts;
  readonly passwords: Passwords;
  /** Ends what is open for a session, a token, or everything of a person: live streams, MCP sessions. */
  readonly accessEnded: (ended: EndedAccess) => void;
}

/** Whose access ended. */
export type EndedAccess = { readonly sessionId: string } | { readonly tokenId: string } | { readonly personId: string };

/** Where a request came from, for sessions and the audit log. */
export interface Origin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}
