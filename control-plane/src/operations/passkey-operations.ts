/** Operations on a person's own passkeys, signing in with them, and fresh proofs. */
import { addPasskey, startPasskey } from '../access/add-passkey.ts';
import { passkeysOf } from '../access/passkey.store.ts';
import { startProof } from '../access/prove.ts';
import { relyingPartyOf } from '../access/relying-party.ts';
import { removePasskey } from '../access/remove-passkey.ts';
import { signInWithPasskey, startPasskeySignIn } from '../access/sign-in-with-passkey.ts';
import type { PasskeyDeps } from '../access/use-passkey.ts';
import { passkeyView } from '../access/views.ts';
import { giveSession } from './give-session.ts';
import type { Handlers } from './handler.ts';

type PasskeyHandlers = Pick<
  Handlers,
  | 'listPasskeys'
  | 'startPasskey'
  | 'addPasskey'
  | 'removePasskey'
  | 'startPasskeySignIn'
  | 'signInWithPasskey'
  | 'startProof'
>;

export type PasskeyOperationsDeps = PasskeyDeps;

export function passkeyOperations(deps: PasskeyOperationsDeps): PasskeyHandlers {
  return {
    listPasskeys: async (caller) => {
      const found = relyingPartyOf(deps.place.publicUrl);
      return {
        passkeys: (await passkeysOf(deps.db, caller.person.id)).map(passkeyView),
        party: 'party' in found ? found.party : null,
        impossible_because: 'impossible' in found ? found.impossible : null,
      };
    },
    startPasskey: async (caller, { proof }) => ({ options: await startPasskey(deps, caller, proof) }),
    addPasskey: async (caller, input) => ({ passkey: passkeyView(await addPasskey(deps, caller, input)) }),
    removePasskey: async (caller, input) => {
      await removePasskey(deps, caller, input);
      return { done: true };
    },
    startPasskeySignIn: async () => ({ options: await startPasskeySignIn(deps) }),
    signInWithPasskey: async (_caller, { response }, context) =>
      giveSession(deps, await signInWithPasskey(deps, response, context), context),
    startProof: (caller) => startProof(deps, caller),
  };
}
