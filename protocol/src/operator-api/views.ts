/** What the operator API shows: servers, actions, alerts, audit entries. Times are ISO 8601 in UTC; names are snake_case. */
import { z } from 'zod';
import { actionStateSchema } from '../action-lifecycle.ts';
import { serverFactsSchema, thresholdsSchema } from '../agent-wire/facts.ts';
import { errorBodySchema } from '../error-body.ts';
import { channelSchema, strengthSchema } from '../grant.ts';
import { lockStateSchema } from '../lock.ts';
import { planSchema, planSourceSchema } from '../plan.ts';
import { riskSchema } from '../risk.ts';
import { serverPolicySchema } from './server-policy.ts';

const time = z.string().describe('ISO 8601, UTC');
const named = z.object({ id: z.string(), name: z.string() });

export const roleSchema = z.enum(['viewer', 'approver', 'owner']);
export type Role = z.infer<typeof roleSchema>;

export const personViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: roleSchema,
  totp: z.boolean(),
  telegram: z.object({ id: z.string(), name: z.string() }).nullable(),
  /** Whether answers to MCP form prompts count for low risk. Off by default: a client program can give them by itself. */
  ide_answers: z.boolean(),
  passkeys: z.int().describe('how many passkeys the person has'),
});

export const serverStateSchema = z.enum(['awaiting_agent', 'online', 'offline', 'revoked']);
export const sampleViewSchema = z.object({
  at: time,
  load1_per_cpu: z.number(),
  memory_used_ratio: z.number(),
  swap_used_ratio: z.number(),
  fullest_mount: z.object({ mount: z.string(), used_ratio: z.number() }).nullable(),
  failed_units: z.int().nullable(),
  uptime_s: z.number(),
});

export const serverViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  state: serverStateSchema,
  last_seen_at: time.nullable(),
  os: z.string().nullable().describe('such as Debian GNU/Linux 12'),
  mode: z.enum(['observe', 'act']).nullable().describe("what the server's own policy allows"),
  locked: z.boolean().describe('whether the server itself checks approver signatures'),
  firing_alerts: z.int(),
  sample: sampleViewSchema.nullable(),
});
export type ServerView = z.infer<typeof serverViewSchema>;

export const serverDetailSchema = serverViewSchema.extend({
  facts: serverFactsSchema.nullable(),
  policy: serverPolicySchema.nullable(),
  capabilities: z.array(z.string()),
  agent_version: z.string().nullable(),
  clock_offset_ms: z.number().nullable().describe('clock of the server minus ours'),
  thresholds: thresholdsSchema,
  /** Whom the server believes, in one sentence: its approvers, or this control plane. */
  trust: z.string(),
  /** What the server keeps of the audit log; null before its first checkpoint. */
  witness: z.object({ size: z.int(), at: time, agrees: z.boolean() }).nullable(),
  added_at: time,
  history: z.array(sampleViewSchema).describe('the newest samples, oldest first'),
});
export type ServerDetail = z.infer<typeof serverDetailSchema>;

/** Who asked. `client` is what the MCP client calls itself: data, not proof. */
export const requesterSchema = z.object({ person: named, token: named.nullable(), client: z.string().nullable() });

export const approvalViewSchema = z.object({
  person: named,
  verdict: z.enum(['approve', 'reject']),
  channel: channelSchema,
  strength: strengthSchema,
  at: time,
  reason: z.string().nullable(),
  signed_with: z.string().nullable().describe('the approver key that signed it'),
});

export const actionViewSchema = z.object({
  id: z.string(),
  state: actionStateSchema,
  title: z.string(),
  server: named,
  source: planSourceSchema,
  risk: riskSchema,
  reversible: z.boolean(),
  fingerprint: z.string().describe('first 8 hex digits of the digest'),
  digest: z.string(),
  requested_by: requesterSchema,
  requested_at: time,
  expires_at: time.nullable().describe('when a decision, or a start, comes too late'),
  approvals_needed: z.int(),
  approvals_given: z.int(),
  /** What is known, what happens next and who can act. One or two sentences. */
  status: z.string(),
});
export type ActionView = z.infer<typeof actionViewSchema>;

const stepViewSchema = z.object({
  step: z.string(),
  state: z.enum(['done', 'failed', 'stopped', 'skipped']),
  exit_code: z.int().nullable(),
  started_at: time.nullable(),
  finished_at: time.nullable(),
  summary: z.string(),
});

export const resultViewSchema = z.object({
  outcome: z.enum(['succeeded', 'failed', 'stopped', 'unknown']),
  summary: z.string(),
  steps: z.array(stepViewSchema),
  check: z
    .object({
      passed: z.boolean(),
      readings: z.array(z.object({ capability: z.string(), passed: z.boolean(), said: z.string(), at: time })),
    })
    .nullable(),
  undo: z.object({ state: z.enum(['not_needed', 'done', 'failed', 'impossible']), steps: z.array(stepViewSchema) }),
  started_at: time,
  finished_at: time,
});

export const actionDetailSchema = actionViewSchema.extend({
  plan: planSchema,
  /** What the assistant says it wants it for. Never part of what is approved. */
  untrusted_reason: z.string().nullable(),
  /** What its commands would run, in our words: our reading, not proof. Absent from a control plane that does not explain. */
  explained: z.array(z.string().max(500)).max(200).optional(),
  /** Parameters that have a default and another value than it. */
  changed_parameters: z.array(z.string()),
  policy: z.object({
    rule: z.string(),
    why: z.string(),
    channels: z.array(channelSchema),
    strength: strengthSchema,
    from: z.array(roleSchema),
  }),
  approvals: z.array(approvalViewSchema),
  history: z.array(
    z.object({
      from: actionStateSchema.nullable(),
      event: z.string(),
      to: actionStateSchema,
      by: z.string(),
      at: time,
      note: z.string().nullable(),
    }),
  ),
  current_step: z.object({ step: z.string(), phase: z.string() }).nullable(),
  result: resultViewSchema.nullable(),
  error: errorBodySchema.nullable().describe('why it was refused or denied'),
  stop_requested_at: time.nullable(),
  /** The lock of the server when it is locked: whose signatures over `digest` it asks for. */
  lock: z
    .object({ state: lockStateSchema, needed: z.int(), signed: z.array(z.string()).describe('holders that signed') })
    .nullable(),
  /** The action that was refused since the state had drifted, and how; this one asks again with the present state. */
  follows: z.object({ action: z.string(), differences: z.array(z.string()) }).nullable(),
  followed_by: z.string().nullable(),
  /** All is done, and the server takes it back at this time unless somebody confirms that it can still be reached. */
  confirm_by: time.nullable(),
  /** Who confirmed that already; as many as are needed make the server keep it. */
  confirmed_by: z.array(named),
});
export type ActionDetail = z.infer<typeof actionDetailSchema>;

/** A change of policy, roles or tokens that other owners may have to agree to. */
export const amendmentViewSchema = z.object({
  id: z.string(),
  state: z.enum(['proposed', 'made', 'declined', 'withdrawn', 'expired']),
  kind: z.enum(['policy', 'role', 'person', 'token']),
  /** What it does, in our words. */
  title: z.string(),
  /** Unified diff, for a change of policy. */
  diff: z.string().nullable(),
  by: named,
  at: time,
  expires_at: time,
  rule: z.string(),
  others_needed: z.int(),
  agreed: z.array(named),
  declined_by: named.nullable(),
});
export type AmendmentView = z.infer<typeof amendmentViewSchema>;

export const passkeyViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  credential: z.string().describe('how a browser names it: the credential id, base64url'),
  key: z.string().describe('the public key, as a lock names it'),
  created_at: time,
  last_used_at: time.nullable(),
});
export type PasskeyView = z.infer<typeof passkeyViewSchema>;

export const pauseViewSchema = z.object({ since: time, by: named, channel: z.string(), reason: z.string().nullable() });

export const alertViewSchema = z.object({
  id: z.string(),
  state: z.enum(['firing', 'resolved']),
  severity: z.enum(['critical', 'warning', 'info']),
  source: z.enum(['agent', 'control_plane', 'alertmanager', 'grafana']),
  kind: z.string(),
  title: z.string(),
  server: named.nullable(),
  labels: z.record(z.string(), z.string()),
  first_at: time,
  last_at: time,
  resolved_at: time.nullable(),
  times: z.int().describe('how often it was reported'),
});
export type AlertView = z.infer<typeof alertViewSchema>;

export const timelineEntrySchema = z.object({
  at: time,
  kind: z.enum(['alert', 'diagnostic', 'action', 'approval', 'server', 'note']),
  title: z.string(),
  server: named.nullable(),
  action: z.string().nullable(),
  alert: z.string().nullable(),
  by: z.string().nullable(),
});

export const auditEntryViewSchema = z.object({
  seq: z.int(),
  at: time,
  event: z.string().describe('noun.past, such as action.approved'),
  who: z.object({
    person: named.nullable(),
    token: named.nullable(),
    client: z.string().nullable(),
    ip: z.string().nullable(),
    by: z.string(),
  }),
  server: named.nullable(),
  action: z.string().nullable(),
  /** What the event says; secret members are left out, sensitive ones are there for people only. */
  details: z.record(z.string(), z.json()),
  hash: z.string(),
});
export type AuditEntryView = z.infer<typeof auditEntryViewSchema>;

export const playbookParameterSchema = z.object({
  name: z.string(),
  type: z.string(),
  summary: z.string(),
  required: z.boolean(),
  default: z.json().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  choices: z.array(z.string()).optional(),
});

export const playbookViewSchema = z.object({
  id: z.string(),
  version: z.int(),
  title: z.string(),
  summary: z.string(),
  effect: z.enum(['observe', 'mutate']),
  risk: riskSchema,
  reversible: z.boolean(),
  parameters: z.array(playbookParameterSchema),
  /** Present when a server was named. */
  fits: z.boolean().optional(),
  does_not_fit_because: z.string().optional(),
});
export type PlaybookView = z.infer<typeof playbookViewSchema>;

export const tokenViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(['read', 'request']),
  created_at: time,
  last_used_at: time.nullable(),
  last_client: z.string().nullable(),
  expires_at: time.nullable(),
});

export const enrolmentViewSchema = z.object({
  server: named,
  state: z.enum(['waiting', 'contacted', 'key_verified', 'ready', 'expired']),
  /** The rungs of the ladder that are done, with when. */
  steps: z.array(
    z.object({ step: z.enum(['contacted', 'key_verified', 'checked', 'ready']), at: time, note: z.string() }),
  ),
  expires_at: time,
});
