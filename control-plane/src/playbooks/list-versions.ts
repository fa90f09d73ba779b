/** The versions of a playbook, each with what changed. */
import { fault, isoTime } from '@countersign/protocol';
import type { PlaybookVersionView } from '@countersign/protocol/operator-api/index';
import { unifiedDiff } from '@countersign/protocol/unified-diff';
import type { Db } from '../storage/database.ts';
import { versionsOf } from './playbook-version.store.ts';

/** Newest first. Rejects with `playbook_not_found` for one that was never there. */
export async function listVersions(db: Db, playbook: string, limit: number): Promise<PlaybookVersionView[]> {
  // One more than is shown: the last one is compared with it.
  const rows = await versionsOf(db, playbook, limit + 1);
  if (rows.length === 0) throw fault('playbook_not_found', { playbook });
  return rows.slice(0, limit).map((row, index) => ({
    version: row.version,
    sha256: row.yaml === null ? null : row.sha256,
    at: isoTime(row.seen_at),
    source: row.source,
    changed_by: row.changed_by,
    changed_at: row.changed_at === null ? null : isoTime(row.changed_at),
    diff: unifiedDiff(`${playbook}.yaml`, rows[index + 1]?.yaml ?? null, row.yaml ?? ''),
  }));
}
