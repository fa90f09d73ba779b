/** Whether a person's answers to MCP form prompts count for low risk. Takes the password: a client program must not switch it on. */
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { confirmPassword } from './confirm.ts';
import { updatePerson } from './person.store.ts';

/** Rejects with `sign_in_failed` when the password is wrong. */
export async function setIdeAnswers(
  deps: AccessCore,
  caller: Caller,
  { on, password }: { on: boolean; password: string },
): Promise<void> {
  await confirmPassword(deps, caller, password);
  await write(deps.db, async (trx) => {
    await updatePerson(trx, caller.person.id, { ide_answers: on ? 1 : 0 });
    await appendEntry(trx, {
      event: 'person.ide_answers_changed',
      at: deps.clock.now(),
      who: whoOf(caller),
      details: { ide_answers: on },
    });
  });
}
