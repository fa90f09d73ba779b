/**
 * The words of a card, the same on every channel: what is to be done, where, exactly how, at what risk, who asks, until when.
 * Pure. Everything comes from the plan and from us; the assistant's own words stand last and apart. Threat T7.
 */
import {
  channelsThatDecide,
  escapeDeceptive,
  looksDeceptive,
  type Risk,
  sayArgv,
  shorten,
} from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';

export interface CardParameter {
  readonly name: string;
  readonly value: string;
  /** Whether it is not the default, so that people look at it. */
  readonly changed: boolean;
  /** Whether it holds characters that look like others; they are shown escaped. */
  readonly deceptive: boolean;
}

export interface Card {
  readonly actionId: string;
  readonly state: ActionDetail['state'];
  /** Verb and server in words, from the plan. */
  readonly title: string;
  readonly server: string;
  /** Exactly what will be started, one line per process, each word quoted where it needs it. */
  readonly argv: readonly string[];
  /** What its commands would run behind their first word, in our sentences: our reading, not proof. */
  readonly explained: readonly string[];
  readonly parameters: readonly CardParameter[];
  /** What will happen, with figures. */
  readonly effects: readonly string[];
  readonly diffs: readonly string[];
  /** Set where the server could not say beforehand what will happen. */
  readonly warning: string | null;
  readonly risk: Risk;
  readonly undo: string;
  /** Set where it could lock everybody out: when the server takes it back by itself. */
  readonly confirm: string | null;
  readonly askedBy: string;
  readonly policy: string;
  /** ISO 8601, UTC; null when nothing can expire any more. */
  readonly expiresAt: string | null;
  /** First 8 hex digits of the digest, the same on every screen. */
  readonly fingerprint: string;
  readonly digest: string;
  readonly approvals: { readonly given: number; readonly needed: number };
  /** Why a tap on the card can neither approve nor confirm it, so that the page of the action has to be opened; null where one can. */
  readonly mustOpen: string | null;
  /** What changed since it was approved before, when it asks again; each a sentence. */
  readonly differences: readonly string[];
  /** What is known, what happens next, who can act. */
  readonly status: string;
  /** Who decided, when and where; null while nobody did. */
  readonly decision: string | null;
  /** What the assistant says it wants it for. Data of a stranger: show it last, quoted and marked. */
  readonly untrustedReason: string | null;
}

const VALUE_MAX = 300;
const ARGV_MAX = 1000;

export function cardOf(detail: ActionDetail): Card {
  const { plan } = detail;
  const steps = plan.preview.steps;
  return {
    actionId: detail.id,
    state: detail.state,
    title: clean(detail.title, 300),
    server: clean(detail.server.name, 100),
    argv: steps.flatMap((step) => step.argv.map((argv) => clean(sayArgv(argv), ARGV_MAX))),
    explained: (detail.explained ?? []).map((words) => clean(words, 300)),
    parameters: Object.entries(plan.parameters).map(([name, value]) =>
      parameter(name, value, detail.changed_parameters),
    ),
    effects: steps.flatMap((step) => step.effects.map((effect) => clean(effect, 500))),
    diffs: steps.flatMap((step) => (step.diff === null ? [] : [step.diff])),
    warning: plan.preview.predictable ? null : 'The server cannot say beforehand what this does.',
    risk: detail.risk,
    undo: undoOf(detail),
    confirm: confirmOf(plan),
    askedBy: askedBy(detail.requested_by),
    policy: clean(detail.policy.why, 500),
    expiresAt: detail.expires_at,
    fingerprint: detail.fingerprint,
    digest: detail.digest,
    approvals: { given: detail.approvals_given, needed: detail.approvals_needed },
    mustOpen: mustOpen(detail),
    differences: detail.follows?.differences.map((words) => clean(words, 300)) ?? [],
    status: clean(detail.status, 600),
    decision: decisionOf(detail),
    untrustedReason: detail.untrusted_reason === null ? null : clean(detail.untrusted_reason, 1000),
  };
}

function mustOpen({ state, confirm_by, lock, policy, risk, server }: ActionDetail): string | null {
  if (state !== 'awaiting_approval' && confirm_by === null) return null;
  if (lock !== null)
    return `Server ${clean(server.name, 100)} is locked: it counts only signatures, and those are made on the page of the action.`;
  if (confirm_by !== null || channelsThatDecide(policy, false).includes('telegram')) return null;
  return `A tap is not enough for this: at ${risk} risk, rule ${policy.rule} asks for more.`;
}

function parameter(name: string, value: unknown, changed: readonly string[]): CardParameter {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    name: clean(name, 100),
    value: clean(text, VALUE_MAX),
    changed: changed.includes(name),
    deceptive: looksDeceptive(text),
  };
}

function undoOf({ reversible, plan }: ActionDetail): string {
  if (!reversible) return 'It cannot be taken back.';
  const ways = plan.preview.steps.flatMap((step) => (step.undo === null ? [] : [clean(step.undo, 500)]));
  return ways.length > 0 ? ways.join(' ') : 'When its check fails it is taken back.';
}

function confirmOf({ confirm }: ActionDetail['plan']): string | null {
  if (confirm === null) return null;
  const seconds = Math.round(confirm.within_ms / 1000);
  const time = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  return `The server takes it back by itself unless somebody confirms within ${time} that it can still be reached, since ${clean(confirm.because, 300)}.`;
}

function askedBy({ person, token, client }: ActionDetail['requested_by']): string {
  const by = [token && `token ${clean(token.name, 100)}`, client && `client ${clean(client, 100)}`].filter(Boolean);
  return by.length > 0 ? `${clean(person.name, 100)} (${by.join(', ')})` : clean(person.name, 100);
}

function decisionOf({ approvals, state }: ActionDetail): string | null {
  const rejected = approvals.findLast((approval) => approval.verdict === 'reject');
  if (rejected && state === 'rejected')
    return `Rejected by ${said(rejected)}${rejected.reason ? `: ${clean(rejected.reason, 500)}` : ''}`;
  const given = approvals.filter((approval) => approval.verdict === 'approve');
  return given.length === 0 ? null : `Approved by ${given.map(said).join('; ')}`;
}

function said({ person, channel, at }: ActionDetail['approvals'][number]): string {
  return `${clean(person.name, 100)} by ${channel} at ${at}`;
}

const clean = (text: string, max: number) => escapeDeceptive(shorten(text, max));
