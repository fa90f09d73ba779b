/** A passkey authenticator inside Chromium, as a phone or a laptop has one: it verifies its user and keeps its keys. */
import type { Page } from 'playwright-core';

export interface Authenticator {
  /** The passkeys in it, to be carried to the authenticator of another window. */
  passkeys(): Promise<readonly Passkey[]>;
  /** Whether its user can be verified from now on: false for a stranger who holds the device. */
  knowsUser(known: boolean): Promise<void>;
}

/** As the DevTools protocol describes one. */
export interface Passkey {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly signCount: number;
}

/** Puts an authenticator into this page. Source: Chrome DevTools Protocol, domain WebAuthn. */
export async function giveAuthenticator(page: Page, passkeys: readonly Passkey[] = []): Promise<Authenticator> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  for (const credential of passkeys) await devtools.send('WebAuthn.addCredential', { authenticatorId, credential });
  return {
    passkeys: async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    knowsUser: async (known) => {
      await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: known });
    },
  };
}
