/** Alerts, and the webhooks that take them in. */
import { fault, isoTime } from '@countersign/protocol';
import type { AlertView, OutputOf, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import { type AlertPosition, type AlertRow, alertPage } from '../alerts/alert.store.ts';
import { createHook } from '../alerts/create-hook.ts';
import { presentHooks } from '../alerts/hook.store.ts';
import { removeHook } from '../alerts/remove-hook.ts';
import { whoOf } from '../audit/ledger.ts';
import { resolveServer } from '../fleet/resolve-server.ts';
import { namesOfServers } from '../fleet/server.store.ts';
import type { Core } from '../ports.ts';
import type { Db } from '../storage/database.ts';
import type { Handlers } from './handler.ts';

export interface AlertOperationsDeps extends Core {
  readonly place: { readonly publicUrl: string };
}

export function alertOperations(
  deps: AlertOperationsDeps,
): Pick<Handlers, 'listAlerts' | 'listHooks' | 'createHook' | 'removeHook'> {
  const { db, place } = deps;
  return {
    listAlerts: (_caller, input) => listAlerts(db, input),
    listHooks: async () => ({
      hooks: (await presentHooks(db)).map(({ id, name, kind, created_at, last_used_at }) => ({
        ...{ id, name, kind, created_at: isoTime(created_at) },
        last_used_at: last_used_at === null ? null : isoTime(last_used_at),
      })),
    }),
    createHook: async (caller, input) => {
      const { id, secret } = await createHook(deps, whoOf(caller), input);
      return { id, url: `${place.publicUrl}/hooks/${id}`, secret };
    },
    removeHook: async (caller, { hook }) => {
      await removeHook(deps, whoOf(caller), hook);
      return { done: true };
    },
  };
}

/** The newest firing alerts, for the overview. */
export async function firingAlerts(db: Db, limit: number): Promise<AlertView[]> {
  return views(db, await alertPage(db, { state: 'firing', limit }));
}

const statesOf = { firing: ['firing'], resolved: ['resolved'], all: ['firing', 'resolved'] } as const;

/** Firing ones first, each kind newest first. */
async function listAlerts(db: Db, input: ParsedInputOf<'listAlerts'>): Promise<OutputOf<'listAlerts'>> {
  const { server, state, cursor, limit } = input;
  const serverId = server === undefined ? undefined : (await resolveServer(db, server)).id;
  const from = cursor === undefined ? undefined : placeOf(cursor);
  const rows: AlertRow[] = [];
  const states: readonly AlertRow['state'][] = statesOf[state];
  for (const one of from === undefined ? states : states.slice(Math.max(0, states.indexOf(from.state)))) {
    const after = from?.state === one ? from : undefined;
    rows.push(...(await alertPage(db, { serverId, state: one, after, limit: limit + 1 - rows.length })));
    if (rows.length > limit) break;
  }
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    alerts: await views(db, page),
    next_cursor: last && rows.length > limit ? `${last.state}-${last.last_at}-${last.id}` : null,
  };
}

async function views(db: Db, rows: readonly AlertRow[]): Promise<AlertView[]> {
  const names = await namesOfServers(db, [...new Set(rows.flatMap((row) => row.server_id ?? []))]);
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    severity: row.severity,
    source: row.source,
    kind: row.kind,
    title: row.title,
    server: row.server_id === null ? null : { id: row.server_id, name: names.get(row.server_id) ?? row.server_id },
    labels: JSON.parse(row.labels_json),
    first_at: isoTime(row.first_at),
    last_at: isoTime(row.last_at),
    resolved_at: row.resolved_at === null ? null : isoTime(row.resolved_at),
    times: row.times,
  }));
}

function placeOf(cursor: string): AlertPosition {
  const [, state, at, id] = /^(firing|resolved)-(\d{1,16})-(alr_[0-9a-z]{12})$/.exec(cursor) ?? [];
  if (state === undefined || at === undefined || id === undefined)
    throw fault('invalid_input', { problems: 'cursor: not one that was given out here' });
  return { state: state as AlertPosition['state'], lastAt: Number(at), id };
}
