/**
 * The independent judge of a load: what people were told and what agents wrote into their own ledgers, against the store of the control
 * plane. Nothing may be lost, nothing done twice, nothing done that nobody approved.
 */
import { join } from 'node:path';
import { openDatabase } from '@countersign/control-plane/storage/database';
import { type ActionResult, isFinal } from '@countersign/protocol';
import type { Story } from './action-stories.ts';
import type { LedgerLine } from './agent-ledger.ts';

export interface Evidence {
  /** Of a control plane that does not run any more. */
  readonly dataDir: string;
  readonly stories: readonly Story[];
  readonly ledgers: ReadonlyMap<string, readonly LedgerLine[]>;
}

export interface Judgement {
  readonly problems: readonly string[];
  /** Actions in the store, by state. */
  readonly states: Readonly<Record<string, number>>;
  readonly approved: number;
  readonly done: number;
  /** Grants that came to a server a second time, and did nothing. */
  readonly toldAgain: number;
  readonly alerts: number;
  /** From the moment that an approver was told until the server had the grant, milliseconds. Below zero: the server was first. */
  readonly approvalToServer: readonly number[];
}

type Store = Awaited<ReturnType<typeof readStore>>;
type Told = Extract<LedgerLine, { what: 'told' }>;
type Did = Extract<LedgerLine, { what: 'did' }>;

export async function judgeLoad({ dataDir, stories, ledgers }: Evidence): Promise<Judgement> {
  const store = await readStore(dataDir);
  const lines = [...ledgers].flatMap(([server, own]) => own.map((line) => ({ server, ...line })));
  const told = lines.filter((line): line is Told & { server: string } => line.what === 'told');
  const did = lines.filter((line): line is Did & { server: string } => line.what === 'did');
  const alerts = lines.filter((line) => line.what === 'alert');
  const decidedAt = new Map(stories.map(({ action, decidedAt }) => [action, decidedAt]));
  return {
    problems: [
      ...stories.flatMap((story) => judgeStory(story, store, did)),
      ...[...store.actions.values()].flatMap((action) => judgeEnd(action, store)),
      ...judgeEffects(store, told, did),
      ...judgeAlerts(store, alerts),
    ],
    states: countBy([...store.actions.values()].map(({ state }) => state)),
    approved: stories.filter(({ verdict, decidedAt }) => verdict === 'approve' && decidedAt !== null).length,
    done: did.length,
    toldAgain: lines.filter(({ what }) => what === 'told_again').length,
    alerts: alerts.length / 2,
    approvalToServer: told.flatMap(({ action, at }) => {
      const decided = decidedAt.get(action);
      return decided == null ? [] : [at - decided];
    }),
  };
}

async function readStore(dataDir: string) {
  const db = await openDatabase({ path: join(dataDir, 'countersign.db') });
  try {
    const actions = await db
      .selectFrom('action')
      .innerJoin('server', 'server.id', 'action.server_id')
      .select(['action.id', 'action.state', 'action.digest', 'action.result_json', 'server.name as server'])
      .execute();
    const ends = await db
      .selectFrom('audit_entry')
      .select(['action_id', 'event'])
      .where('event', 'in', [...ENDINGS])
      .execute();
    const alerts = await db
      .selectFrom('alert')
      .innerJoin('server', 'server.id', 'alert.server_id')
      .select(['alert.state', 'alert.labels_json', 'server.name as server'])
      .where('alert.source', '=', 'agent')
      .execute();
    return { actions: new Map(actions.map((action) => [action.id, action])), ends, alerts };
  } finally {
    await db.destroy();
  }
}

/** What the audit log says of the end of an action. */
const ENDINGS = [
  ...['action.rejected', 'action.withdrawn', 'action.expired', 'action.revoked', 'action.refused'],
  ...['action.succeeded', 'action.failed', 'action.stopped', 'action.closed'],
];

function judgeStory(
  { server, action, verdict, decidedAt, givenUp }: Story,
  store: Store,
  did: readonly Did[],
): string[] {
  if (givenUp !== null) return [`${verdict} on ${server} was given up: ${givenUp}`];
  const row = action === null ? undefined : store.actions.get(action);
  if (row === undefined) return [`action ${action} on ${server} is not in the store`];
  if (decidedAt === null) return [`${action} was never decided`];
  const times = did.filter((line) => line.action === action).length;
  const wanted = verdict === 'approve' ? ['succeeded', 1] : ['rejected', 0];
  if (row.state === wanted[0] && times === wanted[1]) return [];
  return [`${verdict} counted for ${action} on ${server}: it is ${row.state} and was done ${times} times`];
}

/** Every action is over, and the audit log tells so once. */
function judgeEnd({ id, state }: { id: string; state: Story['state'] }, { ends }: Store): string[] {
  const told = ends.filter(({ action_id }) => action_id === id).map(({ event }) => event);
  if (state !== null && isFinal(state) && told.length === 1) return [];
  return [`${id} is ${state}, and its ends in the audit log are: ${told.join(', ') || 'none'}`];
}

/** What was done was told once, with the approved digest, done once, and stands in the store as it was reported. */
function judgeEffects({ actions }: Store, told: readonly (Told & Of)[], did: readonly (Did & Of)[]): string[] {
  const problems: string[] = [];
  const toldOf = countBy(told.map(({ action }) => action));
  const didOf = countBy(did.map(({ action }) => action));
  for (const { action, digest, server } of told) {
    const row = actions.get(action);
    if (row === undefined) problems.push(`${server} was told ${action}, which is not in the store`);
    else if (row.server !== server) problems.push(`${server} was told ${action}, which is for ${row.server}`);
    else if (row.digest !== digest) problems.push(`${server} was told ${action} with another plan`);
    if (toldOf[action] !== 1) problems.push(`${action} was begun ${toldOf[action]} times`);
  }
  for (const { action, mark, server } of did) {
    const json = actions.get(action)?.result_json ?? null;
    const summary = json === null ? 'nothing' : (JSON.parse(json) as ActionResult).summary;
    if (summary !== mark) problems.push(`${server} reported "${mark}" of ${action}, the store has ${summary}`);
    if (didOf[action] !== 1) problems.push(`${action} was done ${didOf[action]} times`);
    if (toldOf[action] === undefined) problems.push(`${server} did ${action} unasked`);
  }
  return problems;
}

interface Of {
  readonly server: string;
}

/** Every alert is in the store once, and over. */
function judgeAlerts({ alerts }: Store, raised: readonly (LedgerLine & Of)[]): string[] {
  const stored = new Map<string, string[]>();
  for (const { server, labels_json, state } of alerts) {
    const key = `${server} ${(JSON.parse(labels_json) as { key?: string }).key}`;
    stored.set(key, [...(stored.get(key) ?? []), state]);
  }
  return raised.flatMap((line) => {
    if (line.what !== 'alert' || line.state !== 'resolved') return [];
    const key = `${line.server} ${line.key}`;
    const states = stored.get(key)?.join(', ') ?? 'nothing';
    return states === 'resolved' ? [] : [`alert ${key} was raised and resolved; the store has ${states}`];
  });
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
