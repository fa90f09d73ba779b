/** Identifiers: their kinds, their form, and the source of new ones, which is injected. */
import { z } from 'zod';

/** What an identifier names. `srv_0c8k3v7rw1aq` is a server, and so on. */
export type IdKind =
  | 'srv'
  | 'act'
  | 'apr'
  | 'alr'
  | 'inc'
  | 'prs'
  | 'tok'
  | 'ses'
  | 'enr'
  | 'req'
  | 'lnk'
  | 'run'
  | 'hok'
  | 'lck'
  | 'psk'
  | 'amd';

export interface Ids {
  /** A new identifier: its kind, `_`, and 12 characters with 60 random bits. */
  id(kind: IdKind): string;
  /** A new secret: 32 random bytes in base64url, behind a prefix that tells leak scanners what it is. */
  secret(prefix: string): string;
  /** Random number in [0, 1), for jitter only. */
  random(): number;
}

/** The schema of an identifier of one kind. */
export function idSchema<K extends IdKind>(kind: K) {
  return z.string().regex(new RegExp(`^${kind}_[0-9a-z]{12}$`), `an identifier that begins with ${kind}_`);
}
