/**
 * What browsers and passkeys say to each other: options out, answers checked. The one home of the library; it knows no store.
 * User verification is required everywhere. Source: W3C Web Authentication Level 3, sections 7.1 and 7.2.
 */
import { createPublicKey } from 'node:crypto';
import { shorten, stripControl } from '@countersign/protocol';
import type { RelyingParty } from '@countersign/protocol/approver';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';

/** What browsers take and give, as JSON. */
export type WebauthnJson = Record<string, z.core.util.JSONType>;

/** A passkey that the browser made. */
export interface NewCredential {
  readonly credentialId: string;
  /** As a lock names it: `passkey:` and the SubjectPublicKeyInfo in base64url. */
  readonly publicKey: string;
  /** The same in COSE, base64url. */
  readonly coseKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
}
export interface KnownCredential {
  readonly credentialId: string;
  readonly transports: readonly string[];
}

/** Loaded when the first passkey is used: it takes as long to load as a good part of everything else. */
const library = async () => ({
  ...(await import('@simplewebauthn/server')),
  ...(await import('@simplewebauthn/server/helpers')),
});
type Library = Awaited<ReturnType<typeof library>>;

/** The kinds of keys that `protocol/approver-signature.ts` verifies as well: ES256, EdDSA, RS256 (RFC 9053, RFC 8812). */
const ALGORITHMS = [-7, -8, -257];
const TIMEOUT_MS = 5 * 60_000;
const RSA_BITS_MIN = 2048;

const base64url = (max: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .max(max);
const credential = { id: base64url(1400), rawId: base64url(1400), type: z.literal('public-key') };
const clientExtensionResults = z.record(z.string(), z.json()).default({});
const registrationSchema = z.object({
  ...credential,
  clientExtensionResults,
  response: z.object({
    clientDataJSON: base64url(4000),
    attestationObject: base64url(16_000),
    transports: z.array(z.string().max(30)).max(10).default([]),
  }),
});
const assertionSchema = z.object({
  ...credential,
  clientExtensionResults,
  response: z.object({
    clientDataJSON: base64url(4000),
    authenticatorData: base64url(4000),
    signature: base64url(4000),
    userHandle: base64url(100).nullish(),
  }),
});
export type Assertion = z.output<typeof assertionSchema>;
const clientDataSchema = z.object({
  challenge: base64url(200),
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
});

/** Options for making a passkey that a browser finds without being told who signs in. `challenge`: base64url. */
export async function registrationOptions(
  party: RelyingParty,
  person: { readonly id: string; readonly email: string; readonly name: string },
  { challenge, known }: { challenge: string; known: readonly KnownCredential[] },
): Promise<WebauthnJson> {
  const { generateRegistrationOptions } = await library();
  return plain(
    await generateRegistrationOptions({
      rpName: 'Countersign',
      rpID: party.id,
      userID: bytesOf(handleOf(person.id)),
      userName: person.email,
      userDisplayName: person.name,
      challenge: bytesOf(challenge),
      timeout: TIMEOUT_MS,
      attestationType: 'none',
      excludeCredentials: known.map(({ credentialId, transports }) => ({
        id: credentialId,
        transports: [...transports],
      })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
}

/** Options for signing a challenge, with one of the known passkeys, or with whichever the browser has when none is named. */
export async function assertionOptions(
  party: RelyingParty,
  { challenge, known }: { challenge: string; known: readonly KnownCredential[] },
): Promise<WebauthnJson> {
  const { generateAuthenticationOptions } = await library();
  return plain(
    await generateAuthenticationOptions({
      rpID: party.id,
      challenge: bytesOf(challenge),
      timeout: TIMEOUT_MS,
      userVerification: 'required',
      allowCredentials: known.map(({ credentialId, transports }) => ({
        id: credentialId,
        transports: [...transports],
      })),
    }),
  );
}

/** The challenge that an answer is for, or null when the answer is malformed or was made inside a page of another site. */
export function challengeOf(response: unknown): string | null {
  const parsed = z.object({ response: z.object({ clientDataJSON: base64url(4000) }) }).safeParse(response);
  if (!parsed.success) return null;
  try {
    const text = Buffer.from(parsed.data.response.clientDataJSON, 'base64url').toString('utf8');
    return clientDataSchema.safeParse(JSON.parse(text)).data?.challenge ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The credential of an answer to {@link registrationOptions}, or in words why it is refused. Never throws for bad input. */
export async function checkRegistration(
  response: unknown,
  { party, challenge }: { party: RelyingParty; challenge: string },
): Promise<NewCredential | { readonly refused: string }> {
  const parsed = registrationSchema.safeParse(response);
  if (!parsed.success) return { refused: 'it is malformed' };
  return refusedInWords(async () => {
    const used = await library();
    const { verified, registrationInfo } = await used.verifyRegistrationResponse({
      response: parsed.data as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return { refused: 'its attestation does not verify' };
    const { id, publicKey, counter } = registrationInfo.credential;
    return {
      credentialId: id,
      publicKey: keyOf(used, publicKey),
      coseKey: Buffer.from(publicKey).toString('base64url'),
      counter,
      transports: parsed.data.response.transports,
    };
  });
}

/** An answer to {@link assertionOptions}, parsed; null when it is malformed. */
export function parseAssertion(response: unknown): Assertion | null {
  return assertionSchema.safeParse(response).data ?? null;
}

/** The new counter of the passkey, or in words why its answer is refused. Whether the counter may be that is for the caller. */
export async function checkAssertion(
  assertion: Assertion,
  {
    party,
    challenge,
    coseKey,
    personId,
  }: { party: RelyingParty; challenge: string; coseKey: string; personId: string },
): Promise<{ readonly counter: number } | { readonly refused: string }> {
  const { userHandle } = assertion.response;
  if (userHandle != null && userHandle !== handleOf(personId)) return { refused: 'it is of another person' };
  return refusedInWords(async () => {
    const { verifyAuthenticationResponse } = await library();
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: assertion as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      // The library would only throw on a counter that goes back; we tell that apart and write it down.
      credential: { id: assertion.id, publicKey: bytesOf(coseKey), counter: 0 },
      requireUserVerification: true,
    });
    return verified ? { counter: authenticationInfo.newCounter } : { refused: 'its signature does not verify' };
  });
}

/** The text form of a COSE key (RFC 9053, section 7): through a JWK to its SubjectPublicKeyInfo. */
function keyOf({ cose, decodeCredentialPublicKey }: Library, coseKey: Uint8Array<ArrayBuffer>): string {
  const key = decodeCredentialPublicKey(coseKey);
  const part = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64url');
  const jwk = cose.isCOSEPublicKeyEC2(key)
    ? { kty: 'EC', crv: 'P-256', x: part(key.get(cose.COSEKEYS.x)), y: part(key.get(cose.COSEKEYS.y)) }
    : cose.isCOSEPublicKeyRSA(key)
      ? { kty: 'RSA', n: part(key.get(cose.COSEKEYS.n)), e: part(key.get(cose.COSEKEYS.e)) }
      : cose.isCOSEPublicKeyOKP(key)
        ? { kty: 'OKP', crv: 'Ed25519', x: part(key.get(cose.COSEKEYS.x)) }
        : null;
  if (jwk === null) throw new Error('its key is of a kind that servers do not verify');
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  if (jwk.kty === 'RSA' && (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS_MIN)
    throw new Error(`its RSA key has fewer than ${RSA_BITS_MIN} bits`);
  return `passkey:${publicKey.export({ format: 'der', type: 'spki' }).toString('base64url')}`;
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}

/** How passkeys name a person. */
function handleOf(personId: string): string {
  return Buffer.from(personId).toString('base64url');
}

/** The library and node:crypto throw plain errors for bad input; their words go to who sent it, and to the log. */
async function refusedInWords<T>(
  work: () => Promise<T | { refused: string }>,
): Promise<T | { readonly refused: string }> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { refused: shorten(stripControl(error.message), 200) };
  }
}

function plain(options: object): WebauthnJson {
  return JSON.parse(JSON.stringify(options)) as WebauthnJson;
}
