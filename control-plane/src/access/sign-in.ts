/** Signs a person in with e-mail address, password and, where it is on, a code of the authenticator app. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import { write } from '../storage/write.ts';
import type { AccessCore, Origin } from './access.ts';
import { personByEmail } from './person.store.ts';
import { spendCode } from './spend-code.ts';
import { type SignedIn, startSession } from './start-session.ts';

export interface SignInRequest {
  readonly email: string;
  readonly password: string;
  readonly code?: string | undefined;
  readonly kind: SignedIn['kind'];
}

/**
 * Rejects with `sign_in_failed` (the same words for a wrong address, password or code), `code_required` when the password
 * was right and a code is needed, or `rate_limited` after too many failures of the account or the address.
 */
export async function signIn(deps: AccessCore, request: SignInRequest, from: Origin): Promise<SignedIn> {
  const attempt = deps.attempts.begin(request.email, from.ip);
  const person = await personByEmail(deps.db, request.email);
  const fits = await deps.passwords.fits(request.password, person?.password_hash ?? null);
  if (person === undefined) return refuse(deps, request, from, 'unknown address');
  if (!fits) return refuse(deps, request, from, 'wrong password');
  if (person.totp_confirmed === 1 && request.code === undefined) {
    attempt.forget(); // asking for the code is a step, not a failure; but it must not clear the failures before it
    throw fault('code_required');
  }
  const signedIn = await write(deps.db, 'access.sign_in', async (trx) => {
    const strength = person.totp_confirmed === 1 ? 'code' : 'session';
    if (strength === 'code' && !(await spendCode(trx, deps, person.id, request.code ?? ''))) return null;
    return startSession(trx, deps, person, { kind: request.kind, strength, from });
  });
  if (signedIn === null) return refuse(deps, request, from, 'wrong code');
  attempt.succeeded();
  return signedIn;
}

async function refuse(
  deps: AccessCore,
  request: SignInRequest,
  from: Origin,
  why: 'unknown address' | 'wrong password' | 'wrong code',
): Promise<never> {
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'sign_in.refused',
      at: deps.clock.now(),
      who: whoIs('stranger', from.ip),
      details: { why, email: request.email, user_agent: from.userAgent?.slice(0, 300) ?? null },
    }),
  );
  throw fault('sign_in_failed');
}
