/** Checks what a passkey answered to one of our challenges, and notes the use. Signing in and fresh proofs both end here. */
import { fault } from '@countersign/protocol';
import { appendEntry, type Who } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { notePasskeyUse, type Passkey, passkeyByCredential } from './passkey.store.ts';
import { type ChallengeUse, useChallenge } from './passkey-challenge.ts';
import { relyingParty } from './relying-party.ts';
import { type Assertion, checkAssertion, parseAssertion } from './webauthn.ts';

export interface PasskeyDeps extends AccessCore {
  readonly place: { readonly publicUrl: string };
}

/** Whose answer it is: of this person, or of whoever has the passkey. */
interface PasskeyUse extends ChallengeUse {
  readonly personId?: string;
  /** Who is on record when the answer is refused. */
  readonly who: Who;
}

/**
 * The passkey that answered. Rejects with `passkey_unknown` when it is registered for nobody, or for another person than the
 * one that is asked; with `sign_in_failed` when the answer is wrong, late or repeated, or its counter went back: then there
 * may be a copy of the passkey. Each refusal is on record.
 */
export async function usePasskey(deps: PasskeyDeps, response: unknown, use: PasskeyUse): Promise<Passkey> {
  const party = relyingParty(deps.place);
  const challenge = await write(deps.db, 'access.use_challenge', (trx) => useChallenge(trx, deps, response, use));
  const assertion = parseAssertion(response);
  if (challenge === null || assertion === null)
    return refuse(deps, use, null, 'its challenge was not given out for this, was used or is too old');
  const passkey = await passkeyByCredential(deps.db, assertion.id);
  if (passkey === undefined || (use.personId !== undefined && passkey.person_id !== use.personId))
    return refuse(deps, use, null, 'it is registered for nobody who may use it here', 'passkey_unknown');
  const { cose_key: coseKey, person_id: personId } = passkey;
  const checked = await checkAssertion(assertion, { party, challenge, coseKey, personId });
  if ('refused' in checked) return refuse(deps, use, passkey, checked.refused);
  return noteUse(deps, use, passkey, checked.counter);
}

/** The account under which attempts with this passkey are counted: apart from passwords, so that those cannot block it. */
export function attemptsKeyOf(assertion: Assertion | null, ip: string | null): string {
  return assertion === null ? `malformed passkey from ${ip}` : `passkey ${assertion.id}`;
}

async function noteUse(deps: PasskeyDeps, use: PasskeyUse, passkey: Passkey, counter: number): Promise<Passkey> {
  // Passkeys that are kept on several devices do not count: theirs is always 0 (section 6.1.1).
  const wentBack = (counter > 0 || passkey.counter > 0) && counter <= passkey.counter;
  const noted =
    !wentBack && (await write(deps.db, (trx) => notePasskeyUse(trx, passkey, { counter, at: deps.clock.now() })));
  if (!noted)
    return refuse(
      deps,
      use,
      passkey,
      `its counter went from ${passkey.counter} to ${counter}: there may be a copy of it`,
    );
  return passkey;
}

async function refuse(
  deps: PasskeyDeps,
  { purpose, who }: PasskeyUse,
  passkey: Passkey | null,
  why: string,
  code: 'sign_in_failed' | 'passkey_unknown' = 'sign_in_failed',
): Promise<never> {
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'passkey.refused',
      at: deps.clock.now(),
      who,
      details: { why, purpose, name: passkey?.name ?? null, person: passkey?.person_id ?? null },
    }),
  );
  throw fault(code);
}
