/**
 * The audit log as a file that can be checked without us: NDJSON. The first line names the form, the key, the
 * number of entries and the last hash; then come the
 * entries, each with its hash, and the signed checkpoints, each right after the entry that it ends with. The last line is a
 * checkpoint over everything, so that a file cut short is seen.
 */
import { canonicalJson } from '@countersign/protocol';
import { checkpointsAfter, entriesAfter } from './audit.store.ts';
import { type CheckpointDeps, checkpoint } from './checkpoint.ts';
import { NO_HASH } from './entry.ts';

export const EXPORT_FORMAT = 'countersign-audit/1';
const PAGE = 1000;

/** One line for an entry. The body stands in it byte for byte as it was hashed. */
export const entryLine = (body: string, hash: string): string => `{"entry":${body},"hash":"${hash}"}`;
export const checkpointLine = (note: string): string => canonicalJson({ checkpoint: note });
export const headerLine = (header: { key: string; entries: number; head: string }): string =>
  canonicalJson({ format: EXPORT_FORMAT, ...header });

/** Yields the lines of an export, each with its line feed. What is appended meanwhile is left for the next export. */
export async function* exportAudit(deps: Omit<CheckpointDeps, 'log'>): AsyncGenerator<string> {
  const last = await checkpoint(deps);
  const { size: entries, head } = last ?? { size: 0, head: NO_HASH };
  yield `${headerLine({ key: deps.key.publicKey, entries, head })}\n`;
  let [next, ...later] = await checkpointsAfter(deps.db, 0, PAGE);
  let seq = 0;
  while (seq < entries) {
    const page = await entriesAfter(deps.db, seq, entries, PAGE);
    if (page.length === 0) return;
    let lines = '';
    for (const row of page) {
      lines += `${entryLine(row.body, row.hash)}\n`;
      seq = row.seq;
      if (next?.size !== seq) continue;
      lines += `${checkpointLine(next.note)}\n`;
      if (later.length === 0) later = await checkpointsAfter(deps.db, next.size, PAGE);
      [next, ...later] = later;
    }
    yield lines;
  }
}
