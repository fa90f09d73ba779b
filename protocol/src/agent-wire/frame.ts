/** Frames as such. Apart from the codec, which loads the schemas of all messages. */
import type { FromAgent, FromControlPlane } from './messages.ts';

/** The largest frame, bytes. Both sides set it as `maxPayload`. */
export const FRAME_BYTES_MAX = 1024 * 1024;

/** What a frame turns out to be. An unknown message of a newer peer is no error. */
export type Decoded<M> =
  | { readonly outcome: 'ok'; readonly message: M }
  | { readonly outcome: 'not_at_this_level'; readonly type: string }
  | { readonly outcome: 'invalid'; readonly problems: string };

/** One JSON text frame. */
export function encode(message: FromAgent | FromControlPlane): string {
  return JSON.stringify(message);
}
