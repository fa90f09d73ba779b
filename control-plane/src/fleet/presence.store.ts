/** Queries that keep signs of life: each connected server brings one in half a minute, and thousands bring theirs at once. */
import type { StatusSample } from '@countersign/protocol/agent-wire/facts';
import type { Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';

export async function saveSeen(
  trx: Trx,
  seen: { readonly id: string; readonly at: number; readonly clockOffsetMs: number },
): Promise<void> {
  await updateSeen(trx, { ...seen, clockOffsetMs: Math.round(seen.clockOffsetMs) });
}

const updateSeen = prepared<{ readonly id: string; readonly at: number; readonly clockOffsetMs: number }>((db, slot) =>
  db
    .updateTable('server')
    .set({ last_seen_at: slot('at'), clock_offset_ms: slot('clockOffsetMs') })
    .where('id', '=', slot('id')),
);

export async function insertSample(trx: Trx, serverId: string, sample: StatusSample, at: number): Promise<void> {
  await addSample(trx, { serverId, at, json: JSON.stringify(sample) });
}

const addSample = prepared<{ readonly serverId: string; readonly at: number; readonly json: string }>((db, slot) =>
  db
    .insertInto('server_sample')
    .values({ server_id: slot('serverId'), at: slot('at'), sample_json: slot('json') })
    .onConflict((conflict) => conflict.columns(['server_id', 'at']).doNothing()),
);
