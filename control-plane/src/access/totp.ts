/** Codes of authenticator apps (RFC 6238): 6 digits, 30 s, one step of tolerance. A code works once. */

import type { Ids } from '@countersign/protocol';
import * as OTPAuth from 'otpauth';

const PERIOD_S = 30;

/** Makes a secret for an authenticator app: 160 bits in base 32 (RFC 4226, section 4, requirement R6). */
export function makeTotpSecret(ids: Pick<Ids, 'secret'>): string {
  const bytes = Buffer.from(ids.secret(''), 'base64url');
  return new OTPAuth.Secret({ buffer: new Uint8Array(bytes.subarray(0, 20)).buffer }).base32;
}

/** The address that authenticator apps read, mostly as a QR code (Key Uri Format of Google Authenticator). */
export function totpUri(secret: string, email: string): string {
  return totp(secret, email).toString();
}

/** The time step that a code belongs to, at `now` (milliseconds since 1970), if it is later than the last one used; else null. */
export function stepOfCode(secret: string, code: string, now: number, lastStep: number): number | null {
  const delta = totp(secret, '').validate({ token: code, timestamp: now, window: 1 });
  if (delta === null) return null;
  const step = Math.floor(now / 1000 / PERIOD_S) + delta;
  return step > lastStep ? step : null;
}

function totp(secret: string, label: string): OTPAuth.TOTP {
  return new OTPAuth.TOTP({
    issuer: 'Countersign',
    label,
    secret: OTPAuth.Secret.fromBase32(secret),
    digits: 6,
    period: PERIOD_S,
  });
}
