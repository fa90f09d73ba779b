/** The answer of the tools that ask for a change: the action, at once. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { actionSchema, actionView } from './action-view.ts';
import { diagnosisView } from './diagnosis-view.ts';

const { action, state, title, fingerprint, status, approve_url, who_can_approve, next } = actionSchema.shape;

/**
 * What every answer about an action says at least. The answer has all of {@link actionSchema}; only `get_action` spells that
 * out, since it would be the same again in five tools.
 */
export const briefActionSchema = z.looseObject({
  action,
  state,
  title,
  fingerprint,
  status,
  approve_url,
  who_can_approve,
  steps: z.array(z.looseObject({})).describe('argv, undo and preview: as get_action'),
  next,
});

export const requestSchema = briefActionSchema.extend({
  repeated: z.boolean().describe('true: the same request was open already'),
});

/** As {@link requestSchema}, for playbooks: one that only reads has run already, and there is no action. */
export const playbookRequestSchema = requestSchema.partial().extend({
  diagnosis: z.looseObject({}).optional().describe('of a playbook that only reads: as run_diagnostic'),
});

type Requested = OutputOf<'runPlaybook'>;

/** The answer to a request that made an action, or found it. */
export function requestView({ action, repeated, approve_url }: Requested, approveUrl: (actionId: string) => string) {
  if (action === null) throw new TypeError('a change was asked for and no action came back');
  return { ...actionView(action, (id) => approve_url ?? approveUrl(id)), repeated };
}

export function playbookRequestView(requested: Requested, approveUrl: (actionId: string) => string) {
  if (requested.diagnosis === null) return requestView(requested, approveUrl);
  return { diagnosis: diagnosisView(requested.diagnosis), repeated: requested.repeated };
}
