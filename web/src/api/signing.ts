/**
 * What people sign in the browser. The page computes every digest itself from what it shows, so that a control plane that
 * shows one plan and wants another one signed is found out here already, not only by the server.
 */
import type { ApproverSignature, RelyingParty } from '@countersign/protocol/approver';
import { canonicalJson } from '@countersign/protocol/canonical';
import { PageFault } from './page-fault.ts';
import { loadWebauthn, type Passkey, supportsPasskeys } from './passkeys.ts';

/** SHA-256 of the canonical JSON of a value: 64 hex digits. The same as `digestOf` of the protocol, by Web Crypto. */
export async function digestInBrowser(value: unknown): Promise<string> {
  return [...(await sha256(new TextEncoder().encode(canonicalJson(value))))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

/**
 * A short name of an approver's key for comparing by eye: `SHA256:` and 43 characters of base64, as the command line and, for
 * Ed25519, `ssh-keygen -l` show it.
 */
export async function keyFingerprint(key: string): Promise<string> {
  const [kind = '', text = ''] = key.split(':');
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (it) => it.charCodeAt(0));
  const print = await sha256(kind === 'passkey' ? bytes : sshBlob(bytes));
  return `SHA256:${toBase64(print)}`;
}

/** The public key as OpenSSH hashes it: two strings, each after its length. Source: RFC 4253 section 6.6, RFC 8709 section 4. */
function sshBlob(key: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode('ssh-ed25519');
  return new Uint8Array([0, 0, 0, name.length, ...name, 0, 0, 0, key.length, ...key]);
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

/** Whether this page can compute digests: browsers allow it with https or on localhost only. */
export const canDigest = (): boolean => globalThis.crypto?.subtle !== undefined;

/** Why a passkey used on this page would not count for a relying party; null when it would. */
export function whyNotHere(party: RelyingParty | null): string | null {
  if (!supportsPasskeys()) return 'this browser has no passkeys here: they need https, or localhost.';
  if (party === null) return 'no site is pinned for passkeys.';
  if (!party.origins.includes(location.origin))
    return `passkeys count only on ${party.origins.join(' or ')}, and this is ${location.origin}.`;
  return null;
}

/**
 * Signs a digest with one of these passkeys; the browser asks which. The 32 bytes of the digest are the challenge.
 * Rejects with a `PageFault` when the person does not, or uses a passkey that is none of these.
 */
export async function signWithPasskey(
  digest: string,
  party: RelyingParty,
  passkeys: readonly Passkey[],
): Promise<ApproverSignature> {
  const { askPasskey } = await loadWebauthn();
  const { id, response } = await askPasskey({
    challenge: toBase64url(digest),
    rpId: party.id,
    userVerification: 'required',
    timeout: 120_000,
  });
  const key = passkeys.find(({ credential }) => credential === id)?.key;
  if (key === undefined)
    throw new PageFault(
      'The passkey that was used does not count here.',
      `Use ${passkeys.map(({ name }) => `“${name}”`).join(' or ') || 'one that is registered here'}.`,
    );
  return {
    kind: 'passkey',
    key,
    authenticatorData: response.authenticatorData,
    clientData: response.clientDataJSON,
    signature: response.signature,
  };
}

/** Base64 without padding. */
const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');

const toBase64url = (hex: string) =>
  toBase64(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
