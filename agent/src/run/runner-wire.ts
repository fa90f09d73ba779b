/**
 * What link and runner say to each other over a unix socket or a pipe: one JSON object a line. The runner believes the link
 * nothing: a grant proves itself, parameters are parsed again, and there is no message that holds argv to start.
 */

import {
  actionResultSchema,
  approverSignatureSchema,
  idSchema,
  observationIdSchema,
  planDraftSchema,
  previewSchema,
  publicKeySchema,
  signatureSchema,
  signedGrantSchema,
  signedLockChangeSchema,
  signedWitnessSchema,
  witnessedSchema,
} from '@countersign/protocol';
import { localPolicySummarySchema } from '@countersign/protocol/agent-wire/facts';
import { wireFaultSchema } from '@countersign/protocol/agent-wire/messages';
import { anyJsonSchema } from '@countersign/protocol/any-json';
import { z } from 'zod';

export { LINE_BYTES_MAX } from './channel.ts';

const request = { requestId: z.string().max(40) };
const action = { actionId: idSchema('act') };
const timeoutMs = z.int().positive();

export const toRunnerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('about'), ...request }),
  z.strictObject({
    type: z.literal('observe'),
    ...request,
    capability: observationIdSchema,
    parameters: z.record(z.string(), anyJsonSchema),
    timeoutMs,
  }),
  z.strictObject({ type: z.literal('preview'), ...request, draft: planDraftSchema, timeoutMs }),
  /** When the certificates that this server uses run out. Takes no parameters, on purpose. */
  z.strictObject({ type: z.literal('certificates'), ...request }),
  /** Answered with `about`: the policy with the lock as far as it was followed. */
  z.strictObject({ type: z.literal('lock_changes'), ...request, changes: z.array(signedLockChangeSchema).max(100) }),
  z.strictObject({ type: z.literal('checkpoint'), ...request, note: z.string().max(1000) }),
  z.strictObject({ type: z.literal('ask_witness'), ...request }),
  z.strictObject({ type: z.literal('cancel'), ...request }),
  z.strictObject({ type: z.literal('accept'), grant: signedGrantSchema, skewMs: z.number().nullable() }),
  z.strictObject({ type: z.literal('stop'), ...action }),
  /** A human confirms that this server can still be reached. */
  z.strictObject({ type: z.literal('confirm'), ...action, signatures: z.array(approverSignatureSchema).max(20) }),
  /** The control plane has stored this report: the runner need not tell it again. */
  z.strictObject({ type: z.literal('kept'), ...action, report: z.enum(['started', 'refused', 'finished']) }),
]);
export type ToRunner = z.infer<typeof toRunnerSchema>;

export const aboutSchema = z.object({
  root: z.boolean(),
  policy: localPolicySummarySchema,
  /** Why the policy file is not in force, or `null`. */
  policyProblem: z.string().nullable(),
  journalHead: z.string().nullable(),
  /** The runner's own key; null when it could not be made. */
  witnessKey: publicKeySchema.nullable(),
  /** The newest checkpoint that is kept. */
  witnessed: witnessedSchema.nullable(),
  /** Actions that are under way. */
  running: z.array(z.string()).max(1000),
});
export type About = z.infer<typeof aboutSchema>;

export const certificateSchema = z.object({ path: z.string().max(4096), endsAt: z.int() });
export type Certificate = z.infer<typeof certificateSchema>;

export const reportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started'), ...action, at: z.int() }),
  z.object({ kind: z.literal('refused'), ...action, at: z.int(), fault: wireFaultSchema }),
  z.object({ kind: z.literal('finished'), ...action, result: actionResultSchema }),
]);
/** What became of an action. Told again to every link that attaches, until it is kept. */
export type Report = z.infer<typeof reportSchema>;

export const fromRunnerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('about'), ...request, about: aboutSchema }),
  z.object({ type: z.literal('observed'), ...request, result: anyJsonSchema }),
  z.object({ type: z.literal('previewed'), ...request, preview: previewSchema }),
  z.object({ type: z.literal('certificates'), ...request, certificates: z.array(certificateSchema).max(500) }),
  /** Purpose `witness`, over the members without type and request. */
  z.object({
    type: z.literal('countersigned'),
    ...request,
    serverId: idSchema('srv'),
    ...witnessedSchema.shape,
    signature: signatureSchema,
  }),
  z.object({ type: z.literal('checkpoint_refused'), ...request, fault: wireFaultSchema, kept: witnessedSchema }),
  z.object({ type: z.literal('witness'), ...request, witness: signedWitnessSchema }),
  z.object({ type: z.literal('request_failed'), ...request, fault: wireFaultSchema }),
  z.object({ type: z.literal('report'), report: reportSchema }),
  z.object({
    type: z.literal('step'),
    ...action,
    step: z.string().max(60),
    phase: z.enum(['running', 'checking', 'confirming', 'undoing']),
    /** While it is `confirming`: when it is taken back. */
    until: z.int().optional(),
    at: z.int(),
  }),
  z.object({
    type: z.literal('output'),
    ...action,
    step: z.string().max(60),
    chunk: z.int().nonnegative(),
    text: z.string().max(64 * 1024),
    dropped: z.int().nonnegative(),
  }),
]);
export type FromRunner = z.infer<typeof fromRunnerSchema>;
export type OutputChunk = Omit<Extract<FromRunner, { type: 'output' }>, 'type'>;
