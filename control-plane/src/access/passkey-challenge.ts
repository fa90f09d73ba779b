/** Challenges for passkeys: random, for one purpose and session, used once, at most five minutes old. */
import { fault } from '@countersign/protocol';
import type { Caller } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { type ChallengePurpose, insertChallenge, takeChallenge } from './passkey.store.ts';
import { challengeOf } from './webauthn.ts';

const CHALLENGE_MS = 5 * 60_000;

/** What a challenge is bound to. Before somebody signed in there is no session. */
export interface ChallengeUse {
  readonly purpose: ChallengePurpose;
  readonly sessionId: string | null;
}

/** The session that a challenge is bound to. People come with one; a caller without it is a mistake of ours. */
export function sessionOf({ session }: Caller): string {
  if (session === null) throw fault('unauthenticated');
  return session.id;
}

/** Makes a challenge: 32 random bytes in base64url. */
export function makeChallenge(
  { db, clock, ids }: Pick<AccessCore, 'db' | 'clock' | 'ids'>,
  { purpose, sessionId }: ChallengeUse,
): Promise<string> {
  return write(db, 'access.make_challenge', async (trx) => {
    const now = clock.now();
    const challenge = ids.secret('');
    await insertChallenge(trx, { challenge, purpose, session_id: sessionId, expires_at: now + CHALLENGE_MS }, now);
    return challenge;
  });
}

/** Uses up the challenge that an answer is for. Null when it was not given out for this, was used or is too old. */
export async function useChallenge(
  trx: Trx,
  { clock }: Pick<AccessCore, 'clock'>,
  response: unknown,
  { purpose, sessionId }: ChallengeUse,
): Promise<string | null> {
  const challenge = challengeOf(response);
  if (challenge === null) return null;
  return (await takeChallenge(trx, { challenge, purpose, session_id: sessionId }, clock.now())) ? challenge : null;
}
