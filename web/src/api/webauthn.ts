/**
 * The browser's own questions about passkeys. The only file that uses `@simplewebauthn/browser`, and fetched when it is first
 * needed. Source: W3C Web Authentication Level 3, sections 5.1.3 and 5.1.4.
 */
import {
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import { PageFault } from './page-fault.ts';

/** Has the browser make a passkey. Rejects with a `PageFault` when the person, or the authenticator, does not. */
export async function makePasskey(
  optionsJSON: PublicKeyCredentialCreationOptionsJSON,
): Promise<RegistrationResponseJSON> {
  return startRegistration({ optionsJSON }).catch(inWords);
}

/** Has the browser use a passkey. Rejects with a `PageFault` when the person, or the authenticator, does not. */
export async function askPasskey(
  optionsJSON: PublicKeyCredentialRequestOptionsJSON,
): Promise<AuthenticationResponseJSON> {
  return startAuthentication({ optionsJSON }).catch(inWords);
}

const words: Readonly<Record<string, readonly [message: string, next: string]>> = {
  NotAllowedError: [
    'No passkey was used: the question was closed, it took too long, or this device holds none for this site.',
    'Try again, or use another way.',
  ],
  InvalidStateError: [
    'This device holds a passkey of yours for this site already.',
    'Use it, or add one on another device.',
  ],
  SecurityError: [
    'The browser refuses passkeys on this address.',
    'Open Countersign under its own name, with https or on localhost.',
  ],
  NotSupportedError: ['This device cannot make a passkey of the needed kind.', 'Use another device or a security key.'],
  ConstraintError: [
    'This device cannot verify who you are.',
    'Set up a PIN or a fingerprint on it, or use another device.',
  ],
};

function inWords(error: unknown): never {
  const name = error instanceof Error ? error.name : '';
  const [message, next] = words[name] ?? [
    `The passkey could not be used: ${error instanceof Error ? error.message : String(error)}`,
    'Try again, or use another way.',
  ];
  throw new PageFault(message, next, { cause: error });
}
