/** SHA-256 digests. Apart from `canonical.ts` because the dashboard, which runs in a browser, has no `node:crypto`. */
import { createHash, hash, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from './canonical.ts';

/** SHA-256 of text (as UTF-8) or bytes: 64 lower-case hex digits. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data);
}

/** SHA-256 of the canonical JSON of a value: 64 lower-case hex digits. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** Whether two secrets are equal, in a time that does not tell where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
