/** Queries on the versions of playbooks. */
import type { Core } from '../ports.ts';
import type { PlaybookVersionTable } from '../storage/catalog-tables.ts';
import type { Db, Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';

export type PlaybookVersion = Omit<PlaybookVersionTable, 'seen_at'>;

/** Keeps what is not what it was, and that a playbook is gone. `now` is all that is in force. */
export async function saveVersions(
  { db, clock }: Pick<Core, 'db' | 'clock'>,
  now: readonly PlaybookVersion[],
): Promise<void> {
  await write(db, async (trx) => {
    const before = await newestOfAll(trx);
    const changed = now.filter((it) => {
      const last = before.get(it.playbook);
      return last === undefined || last.yaml === null || last.sha256 !== it.sha256 || last.source !== it.source;
    });
    const gone = [...before.values()]
      .filter((last) => last.yaml !== null && !now.some((it) => it.playbook === last.playbook))
      .map(({ seen_at: _, ...last }) => ({ ...last, yaml: null, changed_by: null, changed_at: null }));
    for (const version of [...changed, ...gone]) {
      const last = before.get(version.playbook)?.seen_at ?? 0;
      // Later than the one before, even when the clock went back: the order is what it is read by.
      const seen_at = Math.max(clock.now(), last + 1);
      await trx
        .insertInto('playbook_version')
        .values({ ...version, seen_at })
        .execute();
    }
  });
}

/** All versions of a playbook, newest first. */
export async function versionsOf(db: Db, playbook: string, limit: number): Promise<PlaybookVersionTable[]> {
  return db
    .selectFrom('playbook_version')
    .selectAll()
    .where('playbook', '=', playbook)
    .orderBy('seen_at', 'desc')
    .limit(limit)
    .execute();
}

async function newestOfAll(trx: Trx): Promise<Map<string, PlaybookVersionTable>> {
  const rows = await trx.selectFrom('playbook_version').selectAll().orderBy('seen_at', 'asc').execute();
  return new Map(rows.map((row) => [row.playbook, row]));
}
