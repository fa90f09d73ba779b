/** Forgets what actions printed once they have been over for long. */
import { write } from '../storage/write.ts';
import type { ActionDeps } from './action-deps.ts';
import { actionsWithOutput, deleteOutput } from './output.store.ts';

const AT_ONCE = 200;

/** Looks at the actions of which output is kept, never at all that ever ended. */
export async function forgetOutput({ db, clock, limits }: Pick<ActionDeps, 'db' | 'clock' | 'limits'>): Promise<void> {
  const before = clock.now() - limits.outputKeptMs;
  for (let after = ''; ; ) {
    const found = await actionsWithOutput(db, after, AT_ONCE);
    const over = found.filter(({ finished_at }) => finished_at !== null && finished_at < before).map(({ id }) => id);
    if (over.length > 0) await write(db, (trx) => deleteOutput(trx, over));
    const last = found.at(-1);
    if (last === undefined || found.length < AT_ONCE) return;
    after = last.id;
  }
}
