/** Queries on settings that belong to access. */
import type { Db, Trx } from '../storage/database.ts';

const firstCall = (personId: string) => `first_call.${personId}`;

/** Keeps when an assistant of this person called for the first time. Later calls change nothing. */
export async function noteFirstCall(trx: Trx, personId: string, at: string): Promise<void> {
  await trx
    .insertInto('setting')
    .values({ name: firstCall(personId), value: at })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
}

/** When an assistant of this person called for the first time, ISO 8601; null when none did. */
export async function firstCallOf(db: Db, personId: string): Promise<string | null> {
  const found = await db
    .selectFrom('setting')
    .select('value')
    .where('name', '=', firstCall(personId))
    .executeTakeFirst();
  return found?.value ?? null;
}
