/** How fast the audit log takes entries that are on disk before they count. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendEntry, whoIs } from '@countersign/control-plane/audit/ledger';
import { openDatabase } from '@countersign/control-plane/storage/database';
import { write } from '@countersign/control-plane/storage/write';
import type { Figure } from './figures.ts';

const ENTRIES = 2000;

export async function storeFigures(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const db = await openDatabase({ path: join(folder, 'bench.db') });
  const who = whoIs('system');
  const append = (n: number) =>
    write(db, (trx) => appendEntry(trx, { event: 'server.disconnected', at: n, who, details: { why: 'bench' } }));
  try {
    for (let n = 0; n < 50; n += 1) await append(n);
    const began = performance.now();
    for (let n = 0; n < ENTRIES; n += 1) await append(n);
    const perSecond = (ENTRIES / (performance.now() - began)) * 1000;
    return [
      {
        what: 'audit appends per second',
        value: perSecond.toFixed(0),
        note: `${ENTRIES} single transactions, SQLite WAL, synchronous FULL`,
      },
    ];
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}
