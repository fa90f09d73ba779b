/** Signed requests of ACME clients. Sources: RFC 8555 section 6.2, RFC 7515, RFC 7638. */
import { createHash, createPublicKey, verify, type webcrypto } from 'node:crypto';
import { z } from 'zod';

/** A public key. */
export type JsonWebKey = webcrypto.JsonWebKey;

const bodySchema = z.object({ protected: z.string(), payload: z.string(), signature: z.string() });
const headerSchema = z.object({
  alg: z.enum(['RS256', 'ES256']),
  nonce: z.string(),
  url: z.string(),
  jwk: z.record(z.string(), z.string()).optional(),
  kid: z.string().optional(),
});

export interface SignedRequest {
  readonly header: z.infer<typeof headerSchema>;
  /** `null`: an empty payload, which asks to read. */
  readonly payload: unknown;
  /** Whether a key made the signature. */
  isSignedBy(jwk: JsonWebKey): boolean;
}

/** Throws when the body is none. */
export function parseJws(text: string): SignedRequest {
  const body = bodySchema.parse(JSON.parse(text));
  const header = headerSchema.parse(JSON.parse(fromBase64url(body.protected).toString()));
  return {
    header,
    payload: body.payload === '' ? null : JSON.parse(fromBase64url(body.payload).toString()),
    isSignedBy: (jwk) =>
      verify(
        'sha256',
        Buffer.from(`${body.protected}.${body.payload}`),
        { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
        fromBase64url(body.signature),
      ),
  };
}

/** Of a key: what stands behind the dot in the answer to a challenge. */
export function thumbprint(jwk: JsonWebKey): string {
  const names = jwk.kty === 'RSA' ? (['e', 'kty', 'n'] as const) : (['crv', 'kty', 'x', 'y'] as const);
  const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(canonical).digest('base64url');
}

export function fromBase64url(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}
