/** Passkeys as pages use them: whether this browser can, making one, answering with one. */
import type { OutputOf, Proof } from '@countersign/protocol/operator-api/index';

/** Options for the browser, and its answers, as they travel: the JSON forms of the specification. */
export type WebauthnJson = Extract<Proof, { kind: 'passkey' }>['response'];
export type Passkey = OutputOf<'listPasskeys'>['passkeys'][number];

/** Whether this browser, on this address, can use passkeys at all. */
export function supportsPasskeys(): boolean {
  return isSecureContext && typeof PublicKeyCredential === 'function';
}

/** Fetches what a passkey needs, so that the browser's question comes at once when somebody asks for it. */
export const loadWebauthn = () => import('./webauthn.ts');

/** Makes a passkey for the options of `startPasskey`. */
export async function makePasskey(options: WebauthnJson): Promise<WebauthnJson> {
  const { makePasskey: make } = await loadWebauthn();
  return (await make(options as never)) as unknown as WebauthnJson;
}

/** Answers the options of `startProof` or `startPasskeySignIn`. */
export async function answerWithPasskey(options: WebauthnJson): Promise<WebauthnJson> {
  const { askPasskey } = await loadWebauthn();
  return (await askPasskey(options as never)) as unknown as WebauthnJson;
}

/** A name for a new passkey that its owner will recognise: `Linux`, `iPhone`. */
export function deviceName(): string {
  const names = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac', 'Linux'];
  return names.find((name) => navigator.userAgent.includes(name)) ?? 'This device';
}
