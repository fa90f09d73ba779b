/** Hands a session to who signed in: the command line gets the secret, a browser a cookie that no script can read. */
import { isoTime } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import type { AccessCore } from '../access/access.ts';
import { personById } from '../access/person.store.ts';
import type { SignedIn } from '../access/start-session.ts';
import { personView } from '../access/views.ts';
import type { CallContext } from './handler.ts';

export async function giveSession(
  { db }: Pick<AccessCore, 'db'>,
  signedIn: SignedIn,
  context: CallContext,
): Promise<OutputOf<'signIn'>> {
  const person = await personById(db, signedIn.personId);
  if (person === undefined) throw new Error(`person ${signedIn.personId} is gone right after signing in`);
  if (signedIn.kind === 'dashboard') context.cookie?.give(signedIn.secret, signedIn.expiresAt);
  return {
    person: personView(person),
    session: signedIn.kind === 'cli' ? signedIn.secret : null,
    expires_at: isoTime(signedIn.expiresAt),
  };
}
