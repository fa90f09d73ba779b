/** An audit log with entries and checkpoints, in a real file. */
import type { TestContext } from 'node:test';
import type { Clock } from '@countersign/protocol';
import { makeSigningKey } from '@countersign/protocol/signing';
import Sqlite from 'better-sqlite3';
import { checkpoint } from '../../src/audit/checkpoint.ts';
import { exportAudit } from '../../src/audit/export.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { write } from '../../src/storage/write.ts';
import { tempDatabase } from '../storage/temp-database.ts';

export const noon = Date.UTC(2026, 10, 20, 12);
const clock: Clock = { now: () => noon, monotonic: () => 0, after: () => () => undefined };

/** `entries` entries; a checkpoint after each of `checkpointsAfter`. */
export async function ledger(t: TestContext, entries: number, checkpointsAfter: readonly number[] = []) {
  const { db, path } = await tempDatabase(t);
  const key = makeSigningKey();
  const deps = { db, clock, key };
  for (let n = 1; n <= entries; n += 1) {
    await write(db, (trx) =>
      appendEntry(trx, {
        event: 'token.created',
        at: noon + n,
        who: whoIs('system'),
        details: { name: `laptop ${n}`, scope: 'request' },
      }),
    );
    if (checkpointsAfter.includes(n)) await checkpoint(deps);
  }
  const exported = async () => {
    let text = '';
    for await (const lines of exportAudit(deps)) text += lines;
    return text.split('\n').slice(0, -1);
  };
  /** Changes the file behind the program's back, as somebody with root rights could. */
  const tamper = (...statements: string[]) => {
    const sqlite = new Sqlite(path);
    for (const trigger of sqlite.prepare("select name from sqlite_master where type = 'trigger'").pluck().all())
      sqlite.exec(`drop trigger ${trigger}`);
    for (const statement of statements) sqlite.exec(statement);
    sqlite.close();
  };
  return { db, key, deps, exported, tamper };
}
