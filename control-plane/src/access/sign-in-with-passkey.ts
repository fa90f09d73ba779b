/** Signs a person in with a passkey: nothing is typed, the browser knows whose passkeys it has for this site. */
import { fault } from '@countersign/protocol';
import { whoIs } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import type { Origin } from './access.ts';
import { makeChallenge } from './passkey-challenge.ts';
import { personById } from './person.store.ts';
import { partyOf } from './relying-party.ts';
import { type SignedIn, startSession } from './start-session.ts';
import { attemptsKeyOf, type PasskeyDeps, usePasskey } from './use-passkey.ts';
import { assertionOptions, parseAssertion, type WebauthnJson } from './webauthn.ts';

/** Options for the browser, or null where passkeys do not work. */
export async function startPasskeySignIn(deps: PasskeyDeps): Promise<WebauthnJson | null> {
  const party = partyOf(deps.place.publicUrl);
  if (party === null) return null;
  const challenge = await makeChallenge(deps, { purpose: 'sign_in', sessionId: null });
  return assertionOptions(party, { challenge, known: [] });
}

/** Rejects as {@link usePasskey} does, and with `rate_limited` after too many failures of the passkey or the address. */
export async function signInWithPasskey(deps: PasskeyDeps, response: unknown, from: Origin): Promise<SignedIn> {
  const attempt = deps.attempts.begin(attemptsKeyOf(parseAssertion(response), from.ip), from.ip);
  const who = whoIs('stranger', from.ip);
  const passkey = await usePasskey(deps, response, { purpose: 'sign_in', sessionId: null, who });
  const signedIn = await write(deps.db, 'access.passkey_sign_in', async (trx) => {
    const person = await personById(trx, passkey.person_id);
    if (person === undefined) throw fault('passkey_unknown');
    return startSession(trx, deps, person, { kind: 'dashboard', strength: 'passkey', from });
  });
  attempt.succeeded();
  return signedIn;
}
