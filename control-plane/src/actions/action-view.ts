/** Actions as the operator API shows them. */
import {
  type ActionResult,
  channelsThatDecide,
  type ErrorBody,
  type ErrorCode,
  errorCatalogue,
  Fault,
  fingerprint,
  isFinal,
  isoTime,
  type Plan,
} from '@countersign/protocol';
import type { ActionDetail, ActionView } from '@countersign/protocol/operator-api/index';
import type { ListedAction } from './action-list.store.ts';
import type { ActionParts } from './action-parts.store.ts';
import { confirmationsOf, isConfirming } from './confirmations.ts';
import { isDrifted } from './drift.ts';
import { type Quorum, quorumOf, signaturesOf } from './quorum.ts';
import type { CurrentStep } from './record-step.ts';
import { statusSentence } from './status-sentence.ts';
import { policyOf } from './stored-policy.ts';
import { understandPlan } from './understand-command.ts';

/** What lists show. `online`: whether the server is connected now. */
export function actionView(parts: ActionParts<ListedAction>, online: boolean): ActionView {
  const { row, server, person, token } = parts;
  const quorum = quorumIn(parts);
  const until = row.state === 'awaiting_approval' ? row.decide_by : row.state === 'approved' ? row.start_by : null;
  return {
    id: row.id,
    state: row.state,
    title: row.title,
    server: { id: server.id, name: server.name },
    source: JSON.parse(row.source_json),
    risk: row.risk,
    reversible: row.reversible === 1,
    fingerprint: fingerprint(row.digest),
    digest: row.digest,
    requested_by: { person, token, client: row.requested_by_client },
    requested_at: isoTime(row.created_at),
    expires_at: until === null ? null : isoTime(until),
    approvals_needed: quorum.needed,
    approvals_given: quorum.given,
    status: statusOf(parts, quorum, online),
  };
}

/** The lock as far as it still matters to the action. */
const lockIn = ({ row, server }: ActionParts<ListedAction>) => (isFinal(row.state) ? null : server.lock);

function quorumIn(parts: ActionParts<ListedAction>): Quorum {
  return quorumOf({ ...parts.row, needed: parts.row.approvals_needed, lock: lockIn(parts) }, parts.votes);
}

/** Everything that there is to say of an action. */
export function detailView(parts: ActionParts, online: boolean): ActionDetail {
  const { row, votes, history, followedBy } = parts;
  const { why, ask } = policyOf(row);
  const step = stepOf(row);
  const plan = JSON.parse(row.plan_json) as Plan;
  return {
    ...actionView(parts, online),
    plan,
    explained: understandPlan(plan).sentences.slice(0, EXPLAINED_MAX),
    untrusted_reason: row.reason,
    changed_parameters: JSON.parse(row.changed_parameters_json) as string[],
    policy: { rule: row.rule, why, channels: [...ask.channels], strength: ask.strength, from: [...ask.from] },
    approvals: votes.map((vote) => ({
      person: { id: vote.person_id, name: vote.person_name },
      verdict: vote.verdict,
      channel: vote.channel,
      strength: vote.strength,
      at: isoTime(vote.at),
      reason: vote.reason,
      signed_with: signaturesOf(vote)[0]?.key ?? null,
    })),
    history: history.map(({ from_state, event, to_state, by, at, note }) => ({
      from: from_state,
      event,
      to: to_state,
      by,
      at: isoTime(at),
      note,
    })),
    current_step: step && { step: step.step, phase: step.phase },
    result: resultView(resultOf(row)),
    error: errorOf(row),
    stop_requested_at: row.stop_requested_at === null ? null : isoTime(row.stop_requested_at),
    lock: lockView(parts),
    follows: row.follows_action === null ? null : { action: row.follows_action, differences: differencesOf(row) },
    followed_by: followedBy,
    confirm_by: row.confirm_by === null || !isConfirming(row) ? null : isoTime(row.confirm_by),
    confirmed_by: confirmationsOf(row).given.map(({ person }) => person),
  };
}

/** Sentences about what commands would run. */
const EXPLAINED_MAX = 60;

function lockView(parts: ActionParts): ActionDetail['lock'] {
  const state = lockIn(parts);
  if (state === null) return null;
  return { state, needed: state.signatures[parts.row.risk], signed: [...quorumIn(parts).holders] };
}

const differencesOf = ({ follows_json }: ListedAction) => JSON.parse(follows_json ?? '[]') as string[];

function statusOf(parts: ActionParts<ListedAction>, quorum: Quorum, online: boolean): string {
  const { row, server, votes, history, pause, followedBy } = parts;
  const { ask } = policyOf(row);
  const last = history.at(-1);
  const deciding = votes.findLast((vote) => (vote.verdict === 'reject') === (row.state === 'rejected'));
  return statusSentence({
    state: row.state,
    server: server.name,
    online,
    needed: quorum.needed,
    given: quorum.given,
    locked: lockIn(parts) !== null,
    from: ask.from,
    channels: channelsThatDecide(ask, lockIn(parts) !== null),
    decided: deciding ? { person: deciding.person_name, channel: deciding.channel } : null,
    rule: row.rule,
    decideBy: row.decide_by,
    startBy: row.start_by,
    since: last?.at ?? row.created_at,
    note: last?.note ?? null,
    error: errorOf(row)?.message ?? null,
    step: stepOf(row),
    stopRequested: row.stop_requested_at !== null,
    result: resultOf(row),
    paused: pause && { person: pause.by.name, since: pause.since },
    follows: row.follows_action === null ? null : { action: row.follows_action, differences: differencesOf(row) },
    followedBy,
    notFollowed: row.not_followed,
    drifted: isDrifted(row),
    confirming: isConfirming(row) ? { ...confirmationsOf(row), until: row.confirm_by } : null,
  });
}

const stepOf = (row: ListedAction) =>
  row.current_step_json === null ? null : (JSON.parse(row.current_step_json) as CurrentStep);
const resultOf = (row: ListedAction) =>
  row.result_json === null ? null : (JSON.parse(row.result_json) as ActionResult);

function errorOf({ fault_json }: ListedAction): ErrorBody | null {
  if (fault_json === null) return null;
  const { code, slots } = JSON.parse(fault_json) as { code: string; slots: Record<string, string | number> };
  return Object.hasOwn(errorCatalogue, code) ? new Fault(code as ErrorCode, slots).body : null;
}

function resultView(result: ActionResult | null): ActionDetail['result'] {
  if (!result) return null;
  const steps = (outcomes: ActionResult['steps']) =>
    outcomes.map(({ step, state, exitCode, startedAt, finishedAt, summary }) => ({
      step,
      state,
      exit_code: exitCode,
      started_at: startedAt === null ? null : isoTime(startedAt),
      finished_at: finishedAt === null ? null : isoTime(finishedAt),
      summary,
    }));
  return {
    outcome: result.outcome,
    summary: result.summary,
    steps: steps(result.steps),
    check: result.check && {
      passed: result.check.passed,
      readings: result.check.readings.map((reading) => ({ ...reading, at: isoTime(reading.at) })),
    },
    undo: { state: result.undo.state, steps: steps(result.undo.steps) },
    started_at: isoTime(result.startedAt),
    finished_at: isoTime(result.finishedAt),
  };
}
