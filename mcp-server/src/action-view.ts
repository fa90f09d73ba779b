/** Actions as assistants see them: small, without the plan's canonical form, with what to do next. */
import { type ActionState, channelsThatDecide, isFinal } from '@countersign/protocol';
import type { ActionDetail, ActionView, OutputOf } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { oneLine } from './untrusted.ts';

const actionId = z.string().describe('action id');

export const actionRowSchema = z.object({
  action: actionId,
  state: z.string(),
  title: z.string(),
  server: z.string(),
  risk: z.string(),
  status: z.string(),
  requested_by: z.string(),
  requested_at: z.string(),
  expires_at: z.string().nullable(),
});

export function actionRow(view: ActionView): z.input<typeof actionRowSchema> {
  return {
    action: view.id,
    state: view.state,
    title: oneLine(view.title, 300),
    server: view.server.name,
    risk: view.risk,
    status: oneLine(view.status, 500),
    requested_by: requester(view),
    requested_at: view.requested_at,
    expires_at: view.expires_at,
  };
}

const errorSchema = z
  .object({ code: z.string(), next_step: z.string(), untrusted_output: z.string() })
  .nullable()
  .describe('why it was refused or denied');

/** What every answer about one action says. */
export const actionSchema = z.object({
  action: actionId,
  state: z.string(),
  title: z.string(),
  server: z.string(),
  risk: z.string(),
  reversible: z.boolean(),
  fingerprint: z.string().describe('the human sees the same'),
  status: z.string().describe('what is known, what happens next, who can act'),
  expires_at: z.string().nullable(),
  approve_url: z.string().nullable().describe('where a human decides'),
  who_can_approve: z.string().nullable(),
  policy: z.string().describe('rule and why'),
  changed_parameters: z.array(z.string()),
  predictable: z.boolean(),
  steps: z
    .array(
      z.object({
        step: z.string(),
        argv: z.array(z.array(z.string())),
        undo: z.string().nullable(),
        untrusted_output: z.string(),
      }),
    )
    .describe('exactly what runs; untrusted_output: effects and diff from the server'),
  explained: z.array(z.string()).describe('what a command would run: our reading, not proof'),
  error: errorSchema,
  followed_by: z.string().nullable().describe('the action that asks again, since the state had changed'),
  next: z.string(),
});

/** `approveUrl` is shown only while somebody has to decide. */
export function actionView(
  detail: ActionDetail,
  approveUrl: (actionId: string) => string,
): z.input<typeof actionSchema> {
  const waits = detail.state === 'awaiting_approval';
  return {
    action: detail.id,
    state: detail.state,
    title: oneLine(detail.title, 300),
    server: detail.server.name,
    risk: detail.risk,
    reversible: detail.reversible,
    fingerprint: detail.fingerprint,
    status: oneLine(detail.status, 500),
    expires_at: detail.expires_at,
    approve_url: waits ? approveUrl(detail.id) : null,
    who_can_approve: waits ? whoCanApprove(detail) : null,
    policy: oneLine(`${detail.policy.rule}: ${detail.policy.why}`, 500),
    changed_parameters: detail.changed_parameters,
    predictable: detail.plan.preview.predictable,
    steps: detail.plan.preview.steps.map(({ step, argv, effects, diff, undo }) => ({
      step,
      argv,
      undo,
      untrusted_output: [...effects, ...(diff === null ? [] : [diff])].join('\n'),
    })),
    explained: (detail.explained ?? []).map((words) => oneLine(words, 500)),
    error: errorOf(detail),
    followed_by: detail.followed_by,
    next: nextFor(detail),
  };
}

export const actionResultSchema = z
  .object({
    outcome: z.string(),
    steps: z.array(z.object({ step: z.string(), state: z.string(), exit_code: z.int().nullable() })),
    check_passed: z.boolean().nullable().describe('null: there was no check'),
    undo: z.string(),
    finished_at: z.string(),
    untrusted_output: z.string().describe('what the server says of it'),
  })
  .nullable();

/** The result, with the sentences of the server apart from ours. */
export function actionResult({ result }: ActionDetail): z.input<typeof actionResultSchema> {
  if (result === null) return null;
  const steps = [...result.steps, ...result.undo.steps];
  const readings = result.check?.readings ?? [];
  return {
    outcome: result.outcome,
    steps: steps.map(({ step, state, exit_code }) => ({ step, state, exit_code })),
    check_passed: result.check?.passed ?? null,
    undo: result.undo.state,
    finished_at: result.finished_at,
    untrusted_output: [
      result.summary,
      ...steps.map(({ step, summary }) => `${step}: ${summary}`),
      ...readings.map(({ capability, passed, said }) => `check ${capability} ${passed ? 'passed' : 'failed'}: ${said}`),
    ].join('\n'),
  };
}

/** Whether waiting longer for an action brings nothing. */
export function isSettled(state: ActionState): boolean {
  return isFinal(state) || state === 'unknown';
}

export type ActionWithOutput = OutputOf<'getAction'>;

function errorOf({ error }: ActionDetail): z.input<typeof errorSchema> {
  if (error === null) return null;
  return { code: error.code, next_step: error.next_step, untrusted_output: error.message };
}

/** Person, token and client. The client's name is what it calls itself. */
function requester({ requested_by: { person, token, client } }: ActionView): string {
  const through = [token && `token ${token.name}`, client && `client ${client}`].filter((part) => part !== null);
  return oneLine(through.length > 0 ? `${person.name} (${through.join(', ')})` : person.name, 200);
}

function whoCanApprove({ approvals_needed, approvals_given, policy, lock }: ActionDetail): string {
  const missing = Math.max(1, approvals_needed - approvals_given);
  const who = policy.from.length > 0 ? policy.from.join(' or ') : 'a human with the right role';
  return `${missing} more: ${who}, by ${channelsThatDecide(policy, lock !== null).join(', ')}. Never you.`;
}

function nextFor({ id, state, followed_by, error }: ActionDetail): string {
  if (followed_by !== null)
    return `It was asked again as ${followed_by}: call get_action with that id. Do not ask for the same yourself.`;
  const wait = `Call get_action with {"action":"${id}","wait_s":50}`;
  switch (state) {
    case 'awaiting_approval':
      return `A human decides. ${wait}; repeat until it is decided. Tell the user where to approve.`;
    case 'approved':
    case 'dispatched':
    case 'running':
      return `${wait} for the result.`;
    case 'succeeded':
      return 'Done. Run a diagnostic to confirm that the problem is gone.';
    case 'unknown':
      return 'The outcome is not known. Run a diagnostic to see the state; do not ask again before that.';
    case 'rejected':
      return 'A human said no. Do not ask for the same again; talk to the user.';
    case 'denied':
    case 'refused':
      if (error?.code === 'state_drifted')
        return 'Nothing ran. The status says whether it is asked for again by itself: call get_action once more before you ask for the same.';
      return 'Nothing ran. Read error and policy, then choose another way.';
    case 'expired':
      return 'Nobody decided in time, nothing ran. Ask again if it is still needed.';
    case 'withdrawn':
      return 'Taken back, nothing ran.';
    case 'failed':
    case 'stopped':
      return 'Read result and untrusted_output, then run a diagnostic before anything else.';
  }
}
