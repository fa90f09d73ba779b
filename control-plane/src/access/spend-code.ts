/** Checks a code of the authenticator app and uses it up. */
import type { Trx } from '../storage/database.ts';
import type { AccessCore } from './access.ts';
import { personById, useTotpStep } from './person.store.ts';
import { unseal } from './seal.ts';
import { stepOfCode } from './totp.ts';

export const TOTP_PURPOSE = 'totp';

/** Whether the code is right and was not used before. Of two who send the same code at once, one is refused. */
export async function spendCode(
  trx: Trx,
  { clock, sealKey }: Pick<AccessCore, 'clock' | 'sealKey'>,
  personId: string,
  code: string,
): Promise<boolean> {
  const person = await personById(trx, personId);
  if (!person?.totp_sealed) return false;
  const secret = unseal(person.totp_sealed, sealKey, TOTP_PURPOSE);
  const step = stepOfCode(secret, code, clock.now(), person.totp_last_step);
  return step !== null && useTotpStep(trx, personId, step);
}
