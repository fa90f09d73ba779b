/** The answer of the tools that ask for a change: the action, at once; with its end where that comes at once too. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { actionSchema, actionView } from './action-view.ts';
import { diagnosisView } from './diagnosis-view.ts';
import type { ToolContext } from './tool.ts';
import { wholeActionView } from './whole-action-view.ts';

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
  result: z.looseObject({}).nullish().describe('of what ended at once, with untrusted_output: as get_action'),
});

/** As {@link requestSchema}, for playbooks: one that only reads has run already, and there is no action. */
export const playbookRequestSchema = requestSchema.partial().extend({
  diagnosis: z.looseObject({}).optional().describe('of a playbook that only reads: as run_diagnostic'),
});

type Requested = OutputOf<'runPlaybook'>;

/** What policy lets start without a human is waited for so long: most such commands take less, and a second call is saved. */
export const SOON_S = 3;

/** The answer to a request that made an action, or found it. */
export async function requestView({ action, repeated, approve_url, printed }: Requested, context: ToolContext) {
  if (action === null) throw new TypeError('a change was asked for and no action came back');
  const { approveUrl } = context;
  if (printed !== undefined) return wholeActionView({ ...action, ...printed }, approveUrl, { repeated });
  const followed = mayEndSoon(action.state) ? await inAMoment(action.id, context) : undefined;
  if (followed !== undefined) return wholeActionView(followed, approveUrl, { repeated });
  return { ...actionView(action, (id) => approve_url ?? approveUrl(id)), repeated };
}

/** What became of an action. Where that cannot be told, nothing: an error would say of a request that was made that it failed, and it would be made again. */
async function inAMoment(action: string, { call, signal }: ToolContext) {
  return call('getAction', { action, wait_s: SOON_S }, { signal }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return undefined;
  });
}

const mayEndSoon = (state: string) => state === 'approved' || state === 'dispatched' || state === 'running';

export async function playbookRequestView(requested: Requested, context: ToolContext) {
  if (requested.diagnosis === null) return requestView(requested, context);
  return { diagnosis: diagnosisView(requested.diagnosis), repeated: requested.repeated };
}
