/** What assistants (and people) may do: read, diagnose, ask. Each is one MCP tool of the same name in snake_case. None decides anything. */
import { z } from 'zod';
import { actionStateSchema } from '../action-lifecycle.ts';
import { changes, diagnosticIdSchema, pathSchema, sha256Schema, validatorSchema } from '../capabilities/index.ts';
import { riskSchema } from '../risk.ts';
import { diagnosisSchema } from './diagnosis.ts';
import { limit, operation, serverRefSchema } from './operation.ts';
import { readingOperations } from './reading-operations.ts';
import {
  actionDetailSchema,
  actionViewSchema,
  alertViewSchema,
  auditEntryViewSchema,
  playbookViewSchema,
  serverDetailSchema,
  serverStateSchema,
  serverViewSchema,
  timelineEntrySchema,
} from './views.ts';

const actionRef = z.string().regex(/^act_[0-9a-z]{12}$/, 'an action id such as act_0c8k3v7rw1aq');
const reason = z.string().max(1000).optional().describe('why, in your words; shown to the human as untrusted text');
const cursor = z.string().max(200).optional().describe('next_cursor of the page before');
const page = { next_cursor: z.string().nullable().describe('pass it as cursor for the next page; null at the end') };
const since = z.iso.datetime().optional().describe('ISO 8601, UTC');

/** What the steps of an action printed, as far as it is told with the action. */
const printed = {
  untrusted_output: z.string().describe('tail of what the steps printed'),
  output_truncated: z.boolean(),
};

/** The answer to a request for a change. */
export const requestedSchema = z.object({
  /** The action that was made (or found: a repeated request gets the same one). Null for a playbook that only reads. */
  action: actionDetailSchema.nullable(),
  /** What a playbook that only reads found. */
  diagnosis: diagnosisSchema.nullable(),
  repeated: z.boolean(),
  /** Where a human can decide. */
  approve_url: z.string().nullable(),
  /** Where the action was waited for ({@link CallOptions}): what it printed. It is then told as it was after that. */
  printed: z.object(printed).optional(),
});

export const assistantOperations = {
  getCapabilities: operation(
    'read',
    'GET',
    '/capabilities',
    'What can be done here: servers, diagnostics, limits and rules.',
    z.strictObject({ server: serverRefSchema.optional() }),
    z.object({
      version: z.string(),
      you: z.object({ person: z.string(), token: z.string().nullable(), scope: z.string() }),
      rules: z.array(z.string()),
      diagnostics: z.array(z.object({ id: z.string(), summary: z.string(), parameters: z.array(z.string()) })),
      server: z
        .object({
          id: z.string(),
          name: z.string(),
          mode: z.string().nullable(),
          max_risk: riskSchema.nullable(),
          commands: z.boolean(),
          reading_commands: z.boolean(),
          own_commands: z.array(z.object({ id: z.string(), summary: z.string(), risk: riskSchema })),
          read_roots: z.array(z.string()),
          write_roots: z.array(z.string()),
          missing_diagnostics: z.array(z.string()),
        })
        .nullable(),
      limits: z.record(z.string(), z.union([z.number(), z.string()])),
    }),
  ),
  listServers: operation(
    'read',
    'GET',
    '/servers',
    'The servers under care and how they are.',
    z.strictObject({
      state: serverStateSchema.optional(),
      label: z.string().max(200).optional().describe('key=value'),
      cursor,
      limit: limit(200, 50),
    }),
    z.object({ servers: z.array(serverViewSchema), ...page }),
  ),
  getServerStatus: operation(
    'read',
    'GET',
    '/servers/{server}',
    'One server: facts, newest figures, what its own policy allows.',
    z.strictObject({ server: serverRefSchema }),
    serverDetailSchema,
  ),
  listAlerts: operation(
    'read',
    'GET',
    '/alerts',
    'Alerts, firing ones first.',
    z.strictObject({
      server: serverRefSchema.optional(),
      state: z.enum(['firing', 'resolved', 'all']).default('firing'),
      cursor,
      limit: limit(100, 50),
    }),
    z.object({ alerts: z.array(alertViewSchema), ...page }),
  ),
  runDiagnostic: operation(
    'read',
    'POST',
    '/servers/{server}/diagnose',
    'Runs diagnostics, by id or by what a description needs.',
    z
      .strictObject({
        server: serverRefSchema,
        diagnostics: z.array(diagnosticIdSchema).min(1).max(10).optional(),
        description: z
          .string()
          .min(3)
          .max(2000)
          .optional()
          .describe('what is wrong, in plain words: "checkout is slow, 502s since 2:10"'),
        parameters: z
          .record(z.string(), z.json())
          .optional()
          .describe('for named diagnostics: {"unit": "nginx", "since": "2h"}'),
      })
      .refine(
        (input) => (input.diagnostics === undefined) !== (input.description === undefined),
        'give either diagnostics or a description',
      ),
    diagnosisSchema,
  ),
  listPlaybooks: operation(
    'read',
    'GET',
    '/playbooks',
    'The playbooks, and whether they fit a server.',
    z.strictObject({ server: serverRefSchema.optional() }),
    z.object({ playbooks: z.array(playbookViewSchema) }),
  ),
  getPlaybook: operation(
    'read',
    'GET',
    '/playbooks/{playbook}',
    'One playbook, whole.',
    z.strictObject({ playbook: z.string().max(100), server: serverRefSchema.optional() }),
    playbookViewSchema.extend({ yaml: z.string(), sha256: sha256Schema }),
  ),
  runPlaybook: operation(
    'request',
    'POST',
    '/servers/{server}/playbooks/{playbook}',
    'Asks for a playbook to be run. A change waits for a human.',
    z.strictObject({
      server: serverRefSchema,
      playbook: z.string().max(100),
      parameters: z.record(z.string(), z.json()).default({}),
      reason,
    }),
    requestedSchema,
  ),
  runCommand: operation(
    'request',
    'POST',
    '/servers/{server}/command',
    'Asks for one command to be run. Waits for a human.',
    z.strictObject({
      server: serverRefSchema,
      ...changes['command.run'].parameters.shape,
      reason,
    }),
    requestedSchema,
  ),
  ...readingOperations,
  writeFile: operation(
    'request',
    'POST',
    '/servers/{server}/file',
    'Asks for a file to be replaced. Waits for a human.',
    z.strictObject({
      server: serverRefSchema,
      path: pathSchema,
      content: changes['file.write'].parameters.shape.content,
      expected_sha256: sha256Schema.nullable(),
      validator: validatorSchema.default('none'),
      reason,
    }),
    requestedSchema,
  ),
  listActions: operation(
    'read',
    'GET',
    '/actions',
    'Actions, newest first.',
    z.strictObject({
      server: serverRefSchema.optional(),
      state: actionStateSchema.optional(),
      open: z.enum(['true', 'false']).optional().describe('true: only those that can still change'),
      cursor,
      limit: limit(100, 20),
    }),
    z.object({ actions: z.array(actionViewSchema), ...page }),
  ),
  getAction: operation(
    'read',
    'GET',
    '/actions/{action}',
    'One action; waits for a change when asked to.',
    z.strictObject({
      action: actionRef,
      wait_s: z.coerce
        .number()
        .int()
        .min(0)
        .max(50)
        .default(0)
        .describe('wait up to so many seconds until it is decided or done'),
    }),
    actionDetailSchema.extend(printed),
  ),
  cancelAction: operation(
    'request',
    'POST',
    '/actions/{action}/withdraw',
    'Takes your own request back; a running one is asked to stop.',
    z.strictObject({ action: actionRef }),
    actionDetailSchema,
  ),
  getTimeline: operation(
    'read',
    'GET',
    '/timeline',
    'What happened, newest first: alerts, diagnostics, actions, decisions.',
    z.strictObject({
      server: serverRefSchema.optional(),
      alert: z.string().max(40).optional(),
      since,
      cursor,
      limit: limit(200, 50),
    }),
    z.object({ entries: z.array(timelineEntrySchema), ...page }),
  ),
  getAuditLog: operation(
    'read',
    'GET',
    '/audit',
    'Audit entries, newest first.',
    z.strictObject({
      server: serverRefSchema.optional(),
      action: actionRef.optional(),
      event: z.string().max(60).optional(),
      since,
      cursor,
      limit: limit(200, 50),
    }),
    z.object({ entries: z.array(auditEntryViewSchema), ...page }),
  ),
};
