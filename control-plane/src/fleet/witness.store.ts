/** Queries on what servers keep of the audit log. */
import { sha256Schema } from '@countersign/protocol';
import { z } from 'zod';
import type { Db, Trx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';

const witnessedSchema = z.object({ size: z.int(), head: sha256Schema, at: z.int() });

/** The newest checkpoint that a server keeps; with its signature where it countersigned it. */
export const keptWitnessSchema = witnessedSchema.extend({
  signature: z.string().nullable(),
  key: z.string().nullable(),
});
export type KeptWitness = z.infer<typeof keptWitnessSchema>;

/** A checkpoint that a server keeps and this database does not have, or has differently. */
export const contradictionSchema = witnessedSchema.extend({
  /** `rolled_back`: this log ends before it. `rewritten`: this log has another entry there. */
  kind: z.enum(['rolled_back', 'rewritten']),
  /** How many entries this log had when it was seen, and when that was. */
  entries: z.int(),
  seenAt: z.int(),
});
export type Contradiction = z.infer<typeof contradictionSchema>;

export interface WitnessColumns {
  readonly id: string;
  readonly witness_key: string | null;
  readonly witness_json: string | null;
  readonly contradiction_json: string | null;
}

export async function witnessColumns(db: Db | Trx, serverId: string): Promise<WitnessColumns | undefined> {
  return (await columnsOf(db, { serverId })).rows[0];
}

const columnsOf = prepared<{ readonly serverId: string }, WitnessColumns>((db, slot) =>
  db
    .selectFrom('server')
    .select(['id', 'witness_key', 'witness_json', 'contradiction_json'])
    .where('id', '=', slot('serverId')),
);

export async function saveWitnessColumns(
  trx: Trx,
  serverId: string,
  columns: Partial<Omit<WitnessColumns, 'id'>>,
): Promise<void> {
  await trx.updateTable('server').set(columns).where('id', '=', serverId).execute();
}

/** The servers under care whose memory contradicts this database, in the order of their names. */
export async function contradictedServers(db: Db | Trx) {
  const rows = await db
    .selectFrom('server')
    .select(['id', 'name', 'contradiction_json'])
    .where('state', '<>', 'revoked')
    .where('contradiction_json', 'is not', null)
    .orderBy('name')
    .execute();
  return rows.flatMap(({ id, name, contradiction_json }) => {
    const contradiction = contradictionOf(contradiction_json);
    return contradiction ? [{ id, name, contradiction }] : [];
  });
}

/** The servers that can be asked what they keep, in the order of their names. */
export async function witnessServers(db: Db | Trx) {
  return db
    .selectFrom('server')
    .select(['id', 'name', 'witness_key', 'witness_json'])
    .where('state', '=', 'enrolled')
    .orderBy('name')
    .execute();
}

export function keptWitnessOf(json: string | null): KeptWitness | null {
  return json === null ? null : (keptWitnessSchema.safeParse(JSON.parse(json)).data ?? null);
}

export function contradictionOf(json: string | null): Contradiction | null {
  return json === null ? null : (contradictionSchema.safeParse(JSON.parse(json)).data ?? null);
}
