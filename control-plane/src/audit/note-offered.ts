/**
 * Keeps in the log what assistants are offered, by its digest, whenever that is not what it was: tools that were swapped for others
 * and playbooks that came with an update show (threat T20).
 */
import { digestOf } from '@countersign/protocol/digest';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { appendEntry, whoIs } from './ledger.ts';
import { type Offered, offeredBefore, saveOffered } from './offered.store.ts';

export const offeredEvents = { tools: 'tools.changed', playbooks: 'playbooks.changed' } as const;

/** Compares with what was offered at the start before. The first start is a change too: it says what there is. */
export function noteOffered({ db, clock }: Core, kind: keyof typeof offeredEvents, offered: Offered): Promise<void> {
  return write(db, async (trx) => {
    const before = await offeredBefore(trx, kind);
    const sha256 = digestOf(offered);
    if (before !== null && digestOf(before) === sha256) return;
    await saveOffered(trx, kind, offered);
    const names = Object.keys(offered);
    await appendEntry(trx, {
      event: offeredEvents[kind],
      at: clock.now(),
      who: whoIs('system'),
      details: {
        sha256,
        sha256_before: before && digestOf(before),
        added: names.filter((name) => before?.[name] === undefined),
        changed: names.filter((name) => before?.[name] !== undefined && before[name] !== offered[name]),
        removed: Object.keys(before ?? {}).filter((name) => offered[name] === undefined),
      },
    });
  });
}
