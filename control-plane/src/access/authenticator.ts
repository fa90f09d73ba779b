/** Turns the authenticator app of a person on: first a secret, then a code that proves that the app has it. */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { endOtherSessions } from './end-sessions.ts';
import { personById, updatePerson } from './person.store.ts';
import { proveLately } from './prove.ts';
import { seal } from './seal.ts';
import { spendCode, TOTP_PURPOSE } from './spend-code.ts';
import { makeTotpSecret, totpUri } from './totp.ts';

/**
 * Makes a new secret (base 32) and the address for the app. Rejects with `forbidden` when the app is on already, and with
 * `proof_needed` long after signing in: a stolen session must neither swap it nor bring its own, which would count as a proof.
 */
export async function startTotp(
  deps: AccessCore & Parameters<typeof proveLately>[0],
  caller: Caller,
  proof?: Proof,
): Promise<{ secret: string; uri: string }> {
  if ((await personById(deps.db, caller.person.id))?.totp_confirmed !== 1) await proveLately(deps, caller, proof);
  return write(deps.db, async (trx) => {
    const person = await personById(trx, caller.person.id);
    if (person === undefined) throw fault('unauthenticated');
    if (person.totp_confirmed === 1) throw fault('forbidden', { what: 'Replacing the authenticator app' });
    const secret = makeTotpSecret(deps.ids);
    const sealed = seal(secret, deps.sealKey, TOTP_PURPOSE, deps.ids);
    await updatePerson(trx, person.id, { totp_sealed: sealed, totp_confirmed: 0, totp_last_step: 0 });
    return { secret, uri: totpUri(secret, person.email) };
  });
}

/** Turns it on and ends the person's other sessions. Rejects with `sign_in_failed` when the code is wrong. */
export async function confirmTotp(deps: AccessCore, caller: Caller, code: string): Promise<void> {
  const attempt = deps.attempts.begin(caller.person.id, caller.ip);
  await write(deps.db, async (trx) => {
    if (!(await spendCode(trx, deps, caller.person.id, code))) throw fault('sign_in_failed');
    await updatePerson(trx, caller.person.id, { totp_confirmed: 1 });
    await endOtherSessions(trx, deps, caller);
    await appendEntry(trx, { event: 'person.totp_enabled', at: deps.clock.now(), who: whoOf(caller) });
  });
  attempt.succeeded();
}
