/**
 * A server refused an approved change since its state had drifted. The old approval is never used again: the same change is
 * asked for once more, with the present state and with what is different, so that people decide anew.
 */
import { Fault, fault, type Plan, type Risk } from '@countersign/protocol';
import { safeText } from '../audit/entry.ts';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import { askByDefault } from '../policy/evaluate.ts';
import type { PolicyVerdict } from '../policy/policy.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { write } from '../storage/write.ts';
import { actionById, updateActionIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { tellAfterCommit } from './apply-transition.ts';
import { askSomebody } from './ask-somebody.ts';
import { followerOf, requesterLeft } from './drift.store.ts';
import { isDrifted, toldDifferences } from './drift.ts';
import { keepAction, type Proposed } from './keep-action.ts';
import { preparePlan } from './prepare-plan.ts';
import { previewDifferences } from './preview-differences.ts';
import { policyOf } from './stored-policy.ts';
import { wantedOf } from './wanted-of.ts';

const DIFFERENCES_MOST = 20;

/**
 * Idempotent; does nothing for an action that did not drift or was asked for again. What is in the way is tried again by the
 * sweep as long as `askAgainMs`; after that, and at once where it will stay in the way, the action keeps why.
 */
export async function askAgain(deps: ActionDeps, actionId: string): Promise<void> {
  const row = await actionById(deps.db, actionId);
  if (!row || !isDrifted(row) || row.not_followed !== null || (await followerOf(deps.db, actionId))) return;
  try {
    await askOnce(deps, row);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'cannot_announce') return; // it is on record as withdrawn, and says why
    const untilMs = (row.finished_at ?? 0) + deps.limits.askAgainMs;
    if (error.body.retryable && deps.clock.now() < untilMs) return;
    await write(deps.db, (trx) => giveUp(deps, trx, row, error.message));
  }
}

async function askOnce(deps: ActionDeps, row: ActionTable): Promise<void> {
  const why = await whyNot(deps, row);
  if (why !== undefined) return write(deps.db, (trx) => giveUp(deps, trx, row, why));
  const old = JSON.parse(row.plan_json) as Plan;
  const by = {
    personId: row.requested_by_person,
    tokenId: row.requested_by_token,
    sessionId: row.requested_by_session,
    client: row.requested_by_client,
  };
  const server = await resolveServerUnderCare(deps.db, row.server_id);
  const prepared = await preparePlan(deps, by, server, wantedOf(old), { afresh: true });
  const verdict = askedFor(prepared.verdict, prepared.draft.risk, mayGoOn(row, deps.clock.now()));
  const told = [...toldDifferences(row), ...previewDifferences(old.preview, prepared.draft.preview)];
  const differences = [...new Set(told.map((words) => safeText(words, 500)))].slice(0, DIFFERENCES_MOST);
  const { actionId, repeated } = await keepAction(
    deps,
    {
      ...{ ...prepared, verdict, by, server },
      who: whoIs('system'),
      key: row.request_key,
      reason: row.reason ?? undefined,
      follows: { action: row.id, differences },
    },
    (trx, proposed) => link(deps, trx, row, proposed, differences),
  );
  if (!repeated) await askSomebody(deps, actionId);
}

async function whyNot(deps: ActionDeps, row: ActionTable): Promise<string | undefined> {
  const now = deps.clock.now();
  if ((await driftsInARow(deps, row)) > deps.limits.askAgainMost) return 'its state changes again and again';
  if (now >= (row.finished_at ?? 0) + deps.limits.askAgainMs) return 'too much time has passed';
  return (await requesterLeft(deps.db, row, now)) ? 'who asked for it may not ask any more' : undefined;
}

/** The one that asks again is kept with the old one; what the requester asked for again by itself is left as it is. */
async function link(
  deps: ActionDeps,
  trx: Trx,
  row: ActionTable,
  { actionId, repeated }: Proposed,
  differences: string[],
): Promise<void> {
  if (repeated && (await followerOf(trx, row.id)) === actionId) return; // another one was quicker than we
  if (repeated) return giveUp(deps, trx, row, `it was asked for again as ${actionId} already`);
  const about = { at: deps.clock.now(), who: whoIs('system'), serverId: row.server_id, actionId: row.id };
  await appendEntry(trx, {
    event: 'action.asked_again',
    ...about,
    details: { asked_as: actionId, differences },
  });
  tellAfterCommit(deps, trx, row);
}

async function giveUp(deps: ActionDeps, trx: Trx, row: ActionTable, why: string): Promise<void> {
  await updateActionIn(trx, row.id, 'refused', { not_followed: safeText(why, 500) });
  const about = { at: deps.clock.now(), who: whoIs('system'), serverId: row.server_id, actionId: row.id };
  await appendEntry(trx, { event: 'action.not_asked_again', ...about, details: { why } });
  tellAfterCommit(deps, trx, row);
}

/**
 * Where we had foretold what the server would say, and it says otherwise, it was asked only now: what it said is no news of a change,
 * and the command goes on by itself. Not after the time in which it was to start: its requester counts on nothing any more then.
 */
function mayGoOn(row: ActionTable, now: number): boolean {
  return policyOf(row).foretold === true && now < (row.start_by ?? 0);
}

/** Asking again by itself must not run in circles: what policy allows without asking is asked for this time. */
function askedFor(verdict: PolicyVerdict, risk: Risk, goesOn: boolean): PolicyVerdict {
  if (verdict.verdict === 'deny') throw fault('policy_denies', { reason: verdict.reason });
  if (verdict.verdict === 'ask' || goesOn) return verdict;
  const why = `${verdict.why} But the state had changed before it could start, so it is asked for.`;
  return { verdict: 'ask', rule: verdict.rule, why, ask: askByDefault(risk) };
}

/** How many refusals for drift led to this action, itself included: 1 for the first. */
async function driftsInARow({ db }: ActionDeps, row: ActionTable): Promise<number> {
  let count = 1;
  let before = row.follows_action;
  while (before !== null) {
    count += 1;
    before = (await actionById(db, before))?.follows_action ?? null;
  }
  return count;
}
