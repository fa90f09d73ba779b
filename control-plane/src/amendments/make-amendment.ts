/** Carries out what enough owners agreed to. */
import type { AccessCore } from '../access/access.ts';
import { changeRole } from '../access/change-role.ts';
import { makeToken } from '../access/create-token.ts';
import { inviteInto } from '../access/invite-person.ts';
import type { Person } from '../access/person.store.ts';
import { removeFrom } from '../access/remove-person.ts';
import type { Token } from '../access/token.store.ts';
import { appendEntry, type Who, whoOf } from '../audit/ledger.ts';
import type { PolicyFile } from '../policy/policy-book.ts';
import type { Caller, Prove } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { type Amendment, endAmendment, votesOf } from './amendment.store.ts';
import { type CollectedChange, kept } from './change.ts';

export interface AmendmentDeps extends AccessCore {
  readonly policy: PolicyFile;
  readonly place: { readonly publicUrl: string };
  readonly prove: Prove;
}

/** What is made, with the secret that is shown once. `expiresAt` is milliseconds since 1970. */
export type Collected =
  | { readonly kind: 'token'; readonly token: Token; readonly secret: string }
  | {
      readonly kind: 'invitation';
      readonly personId: Person['id'];
      readonly secret: string;
      readonly expiresAt: number;
    };

/** Marks an amendment as made, in the transaction of what it makes. False when it was over already: then nothing may be made. */
export async function endAsMade(trx: Trx, deps: AmendmentDeps, who: Who, row: Amendment): Promise<boolean> {
  const at = deps.clock.now();
  if (!(await endAmendment(trx, row.id, { state: 'made', at }))) return false;
  const { id: amendment, kind, title, rule, by_person: by } = row;
  const agreed = (await votesOf(trx, row.id)).filter(({ counts }) => counts).map(({ id }) => id);
  const details = { amendment, kind, title, rule, by, agreed };
  await appendEntry(trx, { event: 'amendment.made', at, who, details });
  return true;
}

/** Makes a change that is in the database alone, and has no secret to show. */
export async function makeChange(trx: Trx, deps: AmendmentDeps, caller: Caller, row: Amendment): Promise<void> {
  const { change } = kept(row.change_json);
  if (!(await endAsMade(trx, deps, whoOf(caller), row))) return;
  if (change.does === 'change_role') await changeRole(trx, deps, caller, change);
  else if (change.does === 'remove_person') await removeFrom(trx, deps, caller, change.person);
  else throw new Error(`${change.does} is made in another way`);
}

/** Makes what has a secret, for the person who asked for it. Null when the amendment was over already. */
export async function makeCollected(
  trx: Trx,
  deps: AmendmentDeps,
  caller: Caller,
  { row, change }: { row: Amendment; change: CollectedChange },
): Promise<Collected | null> {
  if (!(await endAsMade(trx, deps, whoOf(caller), row))) return null;
  if (change.does === 'create_token') return { kind: 'token', ...(await makeToken(trx, deps, caller, change)) };
  return { kind: 'invitation', ...(await inviteInto(trx, deps, caller, change)) };
}
