/** What only people do: decide, add servers, pair Telegram, take alerts in. No MCP tool leads here. */
import { z } from 'zod';
import { thresholdsSchema } from '../agent-wire/facts.ts';
import { approverSignatureSchema } from '../approver.ts';
import { sha256Schema } from '../capabilities/index.ts';
import { operation, serverRefSchema } from './operation.ts';
import {
  actionDetailSchema,
  actionViewSchema,
  alertViewSchema,
  enrolmentViewSchema,
  pauseViewSchema,
  serverViewSchema,
} from './views.ts';

const nothing = z.strictObject({});
const done = z.object({ done: z.literal(true) });
const action = z.string().regex(/^act_[0-9a-z]{12}$/);
const personName = z.string().trim().min(1).max(100);
const code = z.string().regex(/^\d{6}$/, 'six digits');
/** Names that read well in a sentence and in a shell. */
export const serverNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'lower-case letters, digits, dots and dashes');
const labels = z.record(z.string().regex(/^[a-z0-9_.-]{1,50}$/), z.string().max(100)).default({});

const enrolment = z.object({
  server: serverViewSchema,
  enrolment_token: z.string(),
  install_command: z.string(),
  /** The same in two steps: download, read, then run. */
  careful_install_command: z.string(),
  expires_at: z.string(),
});

export const peopleOperations = {
  getOverview: operation(
    'person',
    'GET',
    '/overview',
    'What needs a person now, and what is left to set up.',
    nothing,
    z.object({
      servers: z.object({ online: z.int(), offline: z.int(), awaiting_agent: z.int() }),
      pending: z.array(actionViewSchema),
      running: z.array(actionViewSchema),
      firing: z.array(alertViewSchema),
      checklist: z.array(
        z.object({ step: z.enum(['account', 'server', 'assistant', 'telegram', 'try']), done: z.boolean() }),
      ),
      pause: pauseViewSchema.nullable(),
      amendments: z.int().describe('amendments that wait for this person'),
      notices: z.array(z.object({ severity: z.enum(['critical', 'warning', 'info']), text: z.string() })),
    }),
  ),

  addServer: operation(
    'owner',
    'POST',
    '/servers',
    'Adds a server and makes its install command.',
    z.strictObject({ name: serverNameSchema, labels }),
    enrolment,
  ),
  renewEnrolment: operation(
    'owner',
    'POST',
    '/servers/{server}/enrolment',
    'Makes a new install command.',
    z.strictObject({ server: serverRefSchema }),
    enrolment,
  ),
  getEnrolment: operation(
    'person',
    'GET',
    '/servers/{server}/enrolment',
    'How far the installation of an agent has come.',
    z.strictObject({ server: serverRefSchema }),
    enrolmentViewSchema,
  ),
  setThresholds: operation(
    'owner',
    'PUT',
    '/servers/{server}/thresholds',
    'When this server raises alerts.',
    z.strictObject({ server: serverRefSchema, thresholds: thresholdsSchema }),
    done,
  ),
  removeServer: operation(
    'owner',
    'DELETE',
    '/servers/{server}',
    'Takes a server out of care; its key is refused from now on.',
    z.strictObject({ server: serverRefSchema }),
    done,
  ),

  approveAction: operation(
    'approver',
    'POST',
    '/actions/{action}/approve',
    'Approves the plan with this digest.',
    z.strictObject({
      action,
      digest: sha256Schema,
      code: code.optional().describe('of the authenticator app; makes the approval stronger'),
      typed_server: z.string().max(100).optional().describe('the server’s name, typed by hand: asked for at high risk'),
      signature: approverSignatureSchema.optional().describe('over the digest; a locked server asks for it'),
    }),
    actionDetailSchema,
  ),
  rejectAction: operation(
    'approver',
    'POST',
    '/actions/{action}/reject',
    'Rejects an action.',
    z.strictObject({ action, digest: sha256Schema, reason: z.string().max(500).optional() }),
    actionDetailSchema,
  ),
  stopAction: operation(
    'approver',
    'POST',
    '/actions/{action}/stop',
    'Asks the server to stop a running action.',
    z.strictObject({ action }),
    actionDetailSchema,
  ),
  closeAction: operation(
    'approver',
    'POST',
    '/actions/{action}/close',
    'Closes an action whose outcome stays unknown.',
    z.strictObject({ action, reason: z.string().min(3).max(500) }),
    actionDetailSchema,
  ),

  getConnect: operation(
    'person',
    'GET',
    '/connect',
    'How to connect an assistant.',
    nothing,
    z.object({
      mcp_url: z.string(),
      stdio_command: z.string(),
      first_call_at: z.string().nullable(),
      last_client: z.string().nullable(),
    }),
  ),

  getTelegram: operation(
    'person',
    'GET',
    '/telegram',
    'The Telegram bot and your account’s link to it.',
    nothing,
    z.object({
      bot: z.object({ username: z.string(), ok: z.boolean(), problem: z.string().nullable() }).nullable(),
      link: z.object({
        state: z.enum(['none', 'waiting', 'confirm', 'linked']),
        telegram: z.object({ id: z.string(), name: z.string() }).nullable(),
        since: z.string().nullable(),
      }),
    }),
  ),
  startTelegramLink: operation(
    'person',
    'POST',
    '/telegram/link',
    'Makes a one-use deep link to the bot.',
    z.strictObject({ password: z.string().max(200) }),
    z.object({ url: z.string(), code: z.string(), expires_at: z.string() }),
  ),
  confirmTelegramLink: operation(
    'person',
    'PUT',
    '/telegram/link',
    'Confirms that the shown Telegram account is yours.',
    z.strictObject({ telegram_id: z.string().regex(/^\d{1,20}$/) }),
    done,
  ),
  removeTelegramLink: operation('person', 'DELETE', '/telegram/link', 'Unlinks your Telegram account.', nothing, done),

  listHooks: operation(
    'person',
    'GET',
    '/hooks',
    'Webhooks that take alerts in.',
    nothing,
    z.object({
      hooks: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          kind: z.enum(['alertmanager', 'grafana']),
          created_at: z.string(),
          last_used_at: z.string().nullable(),
        }),
      ),
    }),
  ),
  createHook: operation(
    'owner',
    'POST',
    '/hooks',
    'Makes an address for Alertmanager or Grafana.',
    z.strictObject({ name: personName, kind: z.enum(['alertmanager', 'grafana']) }),
    z.object({
      id: z.string(),
      url: z.string(),
      secret: z.string().describe('send as `Authorization: Bearer …`; shown once'),
    }),
  ),
  removeHook: operation(
    'owner',
    'DELETE',
    '/hooks/{hook}',
    'Ends a webhook.',
    z.strictObject({ hook: z.string().max(40) }),
    done,
  ),

  getPolicy: operation(
    'person',
    'GET',
    '/policy',
    'The rules in force.',
    nothing,
    z.object({ yaml: z.string(), source: z.string(), sha256: z.string(), problems: z.array(z.string()) }),
  ),
  verifyAudit: operation(
    'person',
    'POST',
    '/audit/verify',
    'Checks the whole chain of the audit log, and on request what the servers keep of it.',
    z.strictObject({ against_servers: z.boolean().default(false) }),
    z.object({
      ok: z.boolean(),
      entries: z.int(),
      head: z.string(),
      checkpoints: z.int(),
      problems: z.array(z.object({ seq: z.int().nullable(), problem: z.string() })),
      /** One per server that was asked; empty when none was. */
      servers: z.array(
        z.object({
          server: z.object({ id: z.string(), name: z.string() }),
          /** `accepted`: it contradicts, and an owner accepted all of it. */
          state: z.enum(['agrees', 'accepted', 'contradicts', 'unreachable', 'no_witness']),
          checkpoints: z.int(),
          actions: z.int().describe('actions in its journal that were compared'),
          problems: z.array(z.string()),
        }),
      ),
    }),
  ),
};
