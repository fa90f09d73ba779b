/** A signed-in person proves again that it is them, before something that a stolen session must not do. */
import { fault } from '@countersign/protocol';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { personById } from './person.store.ts';
import { spendCode } from './spend-code.ts';

/** Rejects with `sign_in_failed` when the password is wrong, `rate_limited` after too many failures. */
export async function confirmPassword(deps: AccessCore, caller: Caller, password: string): Promise<void> {
  const person = await personById(deps.db, caller.person.id);
  if (person === undefined) throw fault('unauthenticated');
  const attempt = deps.attempts.begin(person.email, caller.ip);
  if (!(await deps.passwords.fits(password, person.password_hash))) throw fault('sign_in_failed');
  attempt.succeeded();
}

/**
 * Uses up a code of the caller's authenticator app. Rejects with `invalid_input` when the app is not set up,
 * `sign_in_failed` when the code is wrong or used, `rate_limited` after too many failures.
 */
export async function confirmCode(deps: AccessCore, caller: Caller, code: string): Promise<void> {
  const person = await personById(deps.db, caller.person.id);
  if (person === undefined) throw fault('unauthenticated');
  if (person.totp_confirmed !== 1)
    throw fault('invalid_input', { problems: 'code: no authenticator app is set up for you' });
  const attempt = deps.attempts.begin(person.email, caller.ip);
  if (!(await write(deps.db, (trx) => spendCode(trx, deps, person.id, code)))) throw fault('sign_in_failed');
  attempt.succeeded();
}
