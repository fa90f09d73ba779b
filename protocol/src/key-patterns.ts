/** What keys and signatures look like as text. Apart from their schemas, for those who need no zod. */

/** `ed25519:` and the raw 32 bytes of a public key in base64url. */
export const publicKeyPattern = /^ed25519:[A-Za-z0-9_-]{43}$/;
/** `sha256//` and the SHA-256 of a TLS key in base64, as curl(1) has it. */
export const tlsPinPattern = /^sha256\/\/[A-Za-z0-9+/]{43}=$/;
/** The 64 bytes of a signature in base64url. */
export const signaturePattern = /^[A-Za-z0-9_-]{86}$/;
