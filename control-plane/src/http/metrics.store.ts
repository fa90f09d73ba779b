/** Counts for `/metrics`. */
import type { Db } from '../storage/database.ts';
import type { ActionCounts } from './action-counts.ts';

export interface Count {
  readonly labels: Readonly<Record<string, string>>;
  readonly n: number;
}

export interface Counted {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly counts: readonly Count[];
}

/** Rejects when the database does not answer. */
export async function answers(db: Db): Promise<void> {
  await db.selectFrom('setting').select('name').limit(1).execute();
}

export async function countEverything(db: Db, actions: ActionCounts): Promise<Counted[]> {
  const enrolled = await db
    .selectFrom('server')
    .select(['state', (all) => all.fn.countAll<number>().as('n')])
    .groupBy('state')
    .execute();
  const firing = await db
    .selectFrom('alert')
    .select(['severity', (all) => all.fn.countAll<number>().as('n')])
    .where('state', '=', 'firing')
    .groupBy('severity')
    .execute();
  const audit = await db
    .selectFrom('audit_entry')
    .select((all) => all.fn.max('seq').as('n'))
    .executeTakeFirst();
  return [
    {
      name: 'countersign_servers_known',
      type: 'gauge',
      help: 'Servers by what the control plane has stored of them.',
      counts: enrolled.map(({ state, n }) => ({ labels: { state }, n: Number(n) })),
    },
    {
      name: 'countersign_actions',
      type: 'gauge',
      help: 'Actions by state.',
      counts: [...(await actions.now())].sort().map(([state, n]) => ({ labels: { state }, n })),
    },
    {
      name: 'countersign_alerts_firing',
      type: 'gauge',
      help: 'Alerts that fire now, by severity.',
      counts: firing.map(({ severity, n }) => ({ labels: { severity }, n: Number(n) })),
    },
    {
      name: 'countersign_audit_entries_total',
      type: 'counter',
      help: 'Entries of the audit log.',
      counts: [{ labels: {}, n: Number(audit?.n ?? 0) }],
    },
  ];
}
