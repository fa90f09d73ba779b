/** One call of a webhook: who may, what it says, whom it is about. */
import { fault } from '@countersign/protocol';
import type { ServerFacts } from '@countersign/protocol/agent-wire/facts';
import { sameSecret, sha256 } from '@countersign/protocol/digest';
import { whoIs } from '../audit/ledger.ts';
import { serverNames } from '../fleet/server.store.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { type HookRow, hookById, touchHook } from './hook.store.ts';
import { type Candidate, matchServer } from './match-server.ts';
import { raiseAlert } from './raise-alert.ts';
import { takeInAlertmanager } from './take-in-alertmanager.ts';
import { takeInGrafana } from './take-in-grafana.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'ids' | 'live'>;

export interface WebhookCall {
  readonly hookId: string;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The parsed JSON body. */
  readonly body: unknown;
  readonly ip: string | null;
}

const readers = { alertmanager: takeInAlertmanager, grafana: takeInGrafana } as const;

/**
 * Takes the alerts of one call in. Rejects with `unauthenticated` (wrong secret or no such hook: the same answer) or
 * `invalid_input`. Returns how many alerts were read and how many of them are about a server under care.
 */
export async function takeInWebhook(deps: Deps, call: WebhookCall): Promise<{ taken: number; matched: number }> {
  const hook = await authenticated(deps, call);
  const alerts = readers[hook.kind](call.body);
  const now = deps.clock.now();
  const candidates = alerts.length > 0 ? await candidatesOf(deps) : [];
  const reports = alerts.map((alert) => ({
    ...alert,
    source: hook.kind,
    serverId: matchServer(alert.labels, candidates),
    at: now,
    since: alert.since === undefined ? undefined : Math.min(alert.since, now),
    who: whoIs('system', call.ip),
  }));
  await write(deps.db, (trx) => touchHook(trx, hook.id, now));
  await raiseAlert(deps, ...reports);
  return { taken: reports.length, matched: reports.filter(({ serverId }) => serverId !== null).length };
}

async function authenticated(deps: Deps, { hookId, authorization }: WebhookCall): Promise<HookRow> {
  const secret = /^Bearer ([A-Za-z0-9_-]{20,200})$/i.exec(authorization ?? '')?.[1] ?? '';
  const hook = await hookById(deps.db, hookId);
  // Compared even when there is no such hook, so that the time tells nothing.
  const fits = sameSecret(sha256(secret), hook?.secret_hash ?? sha256('no such hook'));
  if (hook === undefined || !fits) throw fault('unauthenticated');
  return hook;
}

async function candidatesOf(deps: Deps): Promise<Candidate[]> {
  return (await serverNames(deps.db)).map(({ id, name, facts_json }) => ({
    id,
    name,
    hostname: facts_json === null ? null : (JSON.parse(facts_json) as ServerFacts).hostname,
  }));
}
