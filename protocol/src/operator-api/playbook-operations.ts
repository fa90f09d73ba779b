/** What people who write playbooks use: versions, what is wrong with their files, and a look at what a playbook would do. */
import { z } from 'zod';
import { sha256Schema } from '../capabilities/index.ts';
import { stepPreviewSchema } from '../plan.ts';
import { riskSchema } from '../risk.ts';
import { operation, serverRefSchema } from './operation.ts';

const time = z.iso.datetime();

export const playbookVersionSchema = z.object({
  version: z.int(),
  /** Of the text; null when the file was taken away then. */
  sha256: sha256Schema.nullable(),
  /** Since when it is in force. */
  at: time,
  /** `built in`, or the path of the file. */
  source: z.string(),
  /** Whose the file was on the machine of the control plane, and when it was written. */
  changed_by: z.string().nullable(),
  changed_at: time.nullable(),
  /** Against the version before; the whole text for the first. */
  diff: z.string(),
});
export type PlaybookVersionView = z.infer<typeof playbookVersionSchema>;

export const playbookOperations = {
  listPlaybookVersions: operation(
    'person',
    'GET',
    '/playbooks/{playbook}/versions',
    'What a playbook was, newest first: who changed its file, when, and the difference.',
    z.strictObject({
      playbook: z.string().max(100),
      limit: z.coerce.number().int().min(1).max(100).default(20),
    }),
    z.object({ versions: z.array(playbookVersionSchema) }),
  ),
  listPlaybookProblems: operation(
    'person',
    'GET',
    '/playbook-problems',
    'Files of playbooks that are wrong as they are now. Such a playbook stays in force as it was, or is left out.',
    z.strictObject({}),
    z.object({
      folders: z.array(z.string()).describe('folders with playbooks of your own'),
      problems: z.array(z.object({ file: z.string(), line: z.int(), column: z.int(), message: z.string() })),
    }),
  ),
  previewPlaybook: operation(
    'approver',
    'POST',
    '/servers/{server}/playbook-preview',
    'What a playbook would do on a server, found out there by reading only. Makes no action.',
    z
      .strictObject({
        server: serverRefSchema,
        playbook: z.string().max(100).optional(),
        yaml: z
          .string()
          .max(64 * 1024)
          .optional()
          .describe('the text of a playbook that is not in a folder yet'),
        parameters: z.record(z.string(), z.json()).default({}),
      })
      .refine((input) => (input.playbook === undefined) !== (input.yaml === undefined), 'give a playbook or its yaml'),
    z.object({
      title: z.string(),
      risk: riskSchema,
      reversible: z.boolean(),
      /** What it does, in sentences made from its data. */
      sentences: z.array(z.string()),
      steps: z.array(stepPreviewSchema),
      predictable: z.boolean(),
      /** What the policy would say if it were asked for now. */
      verdict: z.object({ verdict: z.enum(['allow', 'ask', 'deny']), rule: z.string(), why: z.string() }),
    }),
  ),
};
