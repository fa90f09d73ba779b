/**
 * Every message that crosses between agent and control plane: two unions, told apart by `type`. JSON text frames.
 * A message is added with one schema here and one line of history in `level.ts`. An absent optional member means
 * "this side does not know", never zero. Source: design.md, section 5.
 *
 * Connecting takes four messages: the agent opens, the control plane proves itself (the agent checks it against the key
 * pinned at install, before it sends any token), the agent proves itself, the control plane welcomes it or turns it away.
 */
import { z } from 'zod';
import { actionResultSchema } from '../action-result.ts';
import { anyJsonSchema } from '../any-json.ts';
import { approverSignatureSchema } from '../approver.ts';
import { observationIdSchema } from '../capabilities/index.ts';
import { signedGrantSchema } from '../grant.ts';
import { idSchema } from '../ids.ts';
import { publicKeySchema, signatureSchema } from '../keys.ts';
import { signedLockChangeSchema } from '../lock.ts';
import { planDraftSchema, previewSchema } from '../plan.ts';
import { signedWitnessSchema, witnessedSchema } from '../witness.ts';
import {
  agentAlertSchema,
  localPolicySummarySchema,
  serverFactsSchema,
  statusSampleSchema,
  thresholdsSchema,
} from './facts.ts';

const nonceSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, '32 random bytes in base64url');
const requestIdSchema = idSchema('req');
const actionIdSchema = idSchema('act');

/** A catalogue error that crosses the wire: code and slots, worded on arrival. */
export const wireFaultSchema = z.object({
  code: z.string().max(60),
  slots: z.record(z.string(), z.union([z.string().max(2000), z.number()])),
});
export type WireFault = z.infer<typeof wireFaultSchema>;

/**
 * What the agent sends. Messages with a `seq` stay in its outbox until the control plane acknowledges them; `seq` rises by
 * one and survives restarts.
 */
export const fromAgentSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('open'),
    oldest: z.int(),
    newest: z.int(),
    nonce: nonceSchema,
    publicKey: publicKeySchema,
  }),
  z.object({
    type: z.literal('hello'),
    /** Absent on the first connection, which brings the token instead. */
    serverId: idSchema('srv').optional(),
    enrolmentToken: z.string().max(200).optional(),
    /** It goes again after the welcome: the server is not online by it. */
    enrolsOnly: z.boolean().optional(),
    /** Purpose `link-hello`, over {@link linkProof}. */
    signature: signatureSchema,
    agentVersion: z.string().max(50),
    clock: z.int(),
    facts: serverFactsSchema,
    /** Capability ids that this agent has. Strings, since a newer agent may have some that we do not know. */
    capabilities: z.array(z.string().max(100)).max(500),
    policy: localPolicySummarySchema,
    /** Head of the runner's journal. */
    journalHead: z.string().max(100).nullable(),
    /** The runner's own key: it countersigns checkpoints. Null while the runner cannot be reached. */
    witnessKey: publicKeySchema.nullable(),
    /** The newest checkpoint of the audit log that this server keeps; null before the first. */
    witnessed: witnessedSchema.nullable(),
  }),
  /** The server's own policy as it is now: sent when it changed since the hello, and in answer to every `lock_changes`. */
  z.object({ type: z.literal('policy'), policy: localPolicySummarySchema }),
  z.object({ type: z.literal('heartbeat'), clock: z.int(), sample: statusSampleSchema }),
  z.object({ type: z.literal('observed'), requestId: requestIdSchema, result: anyJsonSchema }),
  z.object({ type: z.literal('previewed'), requestId: requestIdSchema, preview: previewSchema }),
  z.object({ type: z.literal('request_failed'), requestId: requestIdSchema, fault: wireFaultSchema }),
  z.object({ type: z.literal('started'), seq: z.int().nonnegative(), actionId: actionIdSchema, at: z.int() }),
  z.object({
    type: z.literal('refused'),
    seq: z.int().nonnegative(),
    actionId: actionIdSchema,
    fault: wireFaultSchema,
    at: z.int(),
  }),
  z.object({
    type: z.literal('step'),
    actionId: actionIdSchema,
    step: z.string().max(60),
    /** `confirming`: all is done and checked, and a human has to confirm before `until`, or it is taken back. */
    phase: z.enum(['running', 'checking', 'confirming', 'undoing']),
    until: z.int().optional(),
    at: z.int(),
  }),
  z.object({
    type: z.literal('output'),
    actionId: actionIdSchema,
    step: z.string().max(60),
    /** Rises by one within an action, so that gaps and repeats are seen. */
    chunk: z.int().nonnegative(),
    text: z.string().max(64 * 1024),
    /** Bytes that were dropped before this chunk because of the cap. */
    dropped: z.int().nonnegative(),
  }),
  z.object({
    type: z.literal('finished'),
    seq: z.int().nonnegative(),
    actionId: actionIdSchema,
    result: actionResultSchema,
  }),
  z.object({ type: z.literal('alert'), seq: z.int().nonnegative(), alert: agentAlertSchema }),
  /** The server keeps this checkpoint. Purpose `witness`, over the rest of the message without its type. */
  z.object({
    type: z.literal('countersigned'),
    serverId: idSchema('srv'),
    ...witnessedSchema.shape,
    signature: signatureSchema,
  }),
  /** The checkpoint contradicts one that this server keeps: the log was rolled back, rewritten or forked. */
  z.object({ type: z.literal('checkpoint_refused'), fault: wireFaultSchema, kept: witnessedSchema }),
  z.object({ type: z.literal('witness'), requestId: requestIdSchema, witness: signedWitnessSchema }),
]);
export type FromAgent = z.infer<typeof fromAgentSchema>;

/** What the control plane sends. */
export const fromControlPlaneSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('challenge'),
    level: z.int(),
    nonce: nonceSchema,
    key: publicKeySchema,
    /** Purpose `control-plane-hello`, over {@link controlPlaneProof}. */
    signature: signatureSchema,
  }),
  z.object({
    type: z.literal('welcome'),
    serverId: idSchema('srv'),
    serverName: z.string().max(100),
    clock: z.int(),
    heartbeatMs: z.int().positive(),
    thresholds: thresholdsSchema,
  }),
  /** The connection ends after this. */
  z.object({ type: z.literal('turned_away'), fault: wireFaultSchema }),
  z.object({
    type: z.literal('observe'),
    requestId: requestIdSchema,
    capability: observationIdSchema,
    parameters: z.record(z.string(), anyJsonSchema),
    timeoutMs: z.int().positive(),
  }),
  z.object({
    type: z.literal('preview'),
    requestId: requestIdSchema,
    draft: planDraftSchema,
    timeoutMs: z.int().positive(),
  }),
  /** Nobody waits for the answer any more. */
  z.object({ type: z.literal('cancel'), requestId: requestIdSchema }),
  /** May come twice for one action: the runner's journal makes the second one harmless. */
  z.object({ type: z.literal('dispatch'), grant: signedGrantSchema }),
  z.object({ type: z.literal('stop'), actionId: actionIdSchema }),
  /** All messages up to this `seq` are stored: the agent may forget them. */
  z.object({ type: z.literal('acknowledge'), seq: z.int().nonnegative() }),
  z.object({ type: z.literal('settings'), thresholds: thresholdsSchema }),
  /** Changes of the lock that this server has not followed yet, in their order. It answers with `policy`. */
  z.object({ type: z.literal('lock_changes'), changes: z.array(signedLockChangeSchema).max(100) }),
  /** A human confirms that the server can still be reached: what was armed to take an action back is disarmed. */
  z.object({
    type: z.literal('confirm'),
    actionId: actionIdSchema,
    /** Over {@link confirmationDigest}; a locked server asks for them. */
    signatures: z.array(approverSignatureSchema).max(20),
  }),
  /** The signed head of the audit log (`checkpoint-note.ts`), for the server to keep and countersign. */
  z.object({ type: z.literal('checkpoint'), note: z.string().max(1000) }),
  /** Asks for what the server keeps of audit log and journal. */
  z.object({ type: z.literal('ask_witness'), requestId: requestIdSchema, timeoutMs: z.int().positive() }),
]);
export type FromControlPlane = z.infer<typeof fromControlPlaneSchema>;

export { controlPlaneProof, linkProof } from './proofs.ts';
