/** Gives a person a passkey: options for the browser after a fresh proof, then what the browser made. */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { isDuplicate } from '../storage/dialect.ts';
import { write } from '../storage/write.ts';
import { credentialOf, insertPasskey, type Passkey, passkeysOf } from './passkey.store.ts';
import { makeChallenge, sessionOf, useChallenge } from './passkey-challenge.ts';
import { personById } from './person.store.ts';
import { prove } from './prove.ts';
import { relyingParty } from './relying-party.ts';
import type { PasskeyDeps } from './use-passkey.ts';
import { checkRegistration, type NewCredential, registrationOptions, type WebauthnJson } from './webauthn.ts';

const PASSKEYS_MAX = 20;

/** Rejects as {@link prove} does, and with `passkey_impossible`. */
export async function startPasskey(deps: PasskeyDeps, caller: Caller, proof: Proof): Promise<WebauthnJson> {
  const party = relyingParty(deps.place);
  const person = await personById(deps.db, caller.person.id);
  if (person === undefined) throw fault('unauthenticated');
  // A passkey signs in alone: it must not be a way round the authenticator app. Who lost a passkey still has the password.
  await prove(deps, caller, proof, person.totp_confirmed === 1 ? 'code' : 'session');
  const known = (await passkeysOf(deps.db, person.id)).map(credentialOf);
  if (known.length >= PASSKEYS_MAX)
    throw fault('invalid_input', { problems: `you have ${known.length} passkeys: remove one first` });
  const challenge = await makeChallenge(deps, { purpose: 'register', sessionId: sessionOf(caller) });
  return registrationOptions(party, person, { challenge, known });
}

/** Rejects with `invalid_input` when the answer is not one to the options that this session was given, or does not verify. */
export async function addPasskey(
  deps: PasskeyDeps,
  caller: Caller,
  { name, response }: { name: string; response: unknown },
): Promise<Passkey> {
  const party = relyingParty(deps.place);
  const use = { purpose: 'register', sessionId: sessionOf(caller) } as const;
  const challenge = await write(deps.db, (trx) => useChallenge(trx, deps, response, use));
  if (challenge === null)
    throw refused('its challenge was not given out to this session, was used or is older than five minutes');
  const made = await checkRegistration(response, { party, challenge });
  if ('refused' in made) throw refused(made.refused);
  const passkey = rowOf(deps, caller, name, made);
  try {
    await write(deps.db, async (trx) => {
      await insertPasskey(trx, passkey);
      const details = { name, key: made.publicKey };
      const entry = { event: 'passkey.added', at: passkey.created_at, who: whoOf(caller), details } as const;
      await appendEntry(trx, entry);
    });
  } catch (error) {
    if (isDuplicate(error)) throw refused('it is registered already');
    throw error;
  }
  return passkey;
}

function rowOf({ ids, clock }: PasskeyDeps, caller: Caller, name: string, made: NewCredential): Passkey {
  return {
    id: ids.id('psk'),
    person_id: caller.person.id,
    credential_id: made.credentialId,
    name,
    public_key: made.publicKey,
    cose_key: made.coseKey,
    counter: made.counter,
    transports_json: JSON.stringify(made.transports),
    created_at: clock.now(),
    last_used_at: null,
  };
}

function refused(reason: string) {
  return fault('invalid_input', { problems: `response: the passkey is refused: ${reason}` });
}
