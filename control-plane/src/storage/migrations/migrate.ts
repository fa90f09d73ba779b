/** Brings a database to the newest shape. A migration that was released is never edited: add the next one. */
import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import * as first from './0001-first.ts';
import * as trust from './0002-trust.ts';
import * as telegramNotices from './0003-telegram-notices.ts';
import * as playbookVersions from './0004-playbook-versions.ts';
import * as discovery from './0005-discovery.ts';
import * as longHistories from './0006-long-histories.ts';
import * as auditIndex from './0007-audit-index.ts';
import * as fewerPages from './0008-fewer-pages.ts';
import * as noAcknowledgements from './0009-no-acknowledgements.ts';

const migrations: Record<string, Migration> = {
  '0001-first': first,
  '0002-trust': trust,
  '0003-telegram-notices': telegramNotices,
  '0004-playbook-versions': playbookVersions,
  '0005-discovery': discovery,
  '0006-long-histories': longHistories,
  '0007-audit-index': auditIndex,
  '0008-fewer-pages': fewerPages,
  '0009-no-acknowledgements': noAcknowledgements,
};

/** Runs what was not run yet, all in one transaction. Rejects when one fails, or when the database knows migrations that this program does not. */
export async function migrate<T>(db: Kysely<T>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}
