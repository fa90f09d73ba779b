/** One agent's connection as the rest of the fleet sees it: messages out, and how to end it. `gateway.ts` makes it from a socket. */
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';

/** Why a connection ends. Codes above 4000 are ours (RFC 6455, section 7.4.2), the others are the RFC's. */
export const closeCodes = {
  stopping: 1001,
  not_text: 1003,
  too_large: 1009,
  internal: 1011,
  busy: 1013,
  frame_invalid: 4400,
  unproven: 4403,
  too_slow: 4408,
  duplicate: 4409,
  replaced: 4410,
  revoked: 4411,
  clock_set: 4412,
  level_unsupported: 4426,
} as const;
export type CloseCode = keyof typeof closeCodes;

export interface Wire {
  /** Where the connection comes from. */
  readonly ip: string;
  readonly isOpen: boolean;
  readonly isPaused: boolean;
  /**
   * Sends one message. Throws `too_large` when it would not fit into a frame; does nothing once the connection is closed.
   * An agent that lets too much pile up is cut off.
   */
  send(message: FromControlPlane): void;
  /** Asks for a sign of life. The answer brings the word back. */
  ping(word?: string): void;
  /** Ends the connection with a reason that the agent can show. */
  close(code: CloseCode, reason: string): void;
  /** Ends it at once: for a peer that does not answer. */
  cut(): void;
  /** Stops and resumes reading. What the peer sends meanwhile waits on its side. */
  pause(): void;
  resume(): void;
}

type WireParameters = Extract<FromControlPlane, { type: 'observe' }>['parameters'];

/** Parsed parameters as JSON: members that are not there are left out. */
export function wireForm(parameters: object): WireParameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)) as WireParameters;
}
