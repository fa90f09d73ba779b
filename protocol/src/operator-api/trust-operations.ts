/** What people do so that nobody has to trust the control plane: passkeys, the lock, the pause, amendments, witnesses. */
import { z } from 'zod';
import { approverSignatureSchema, relyingPartySchema } from '../approver.ts';
import { changeIdSchema } from '../capabilities/index.ts';
import { lockStateSchema, signedLockChangeSchema } from '../lock.ts';
import { riskSchema } from '../risk.ts';
import { operation } from './operation.ts';
import { proofSchema, webauthnJson } from './proof.ts';
import {
  actionDetailSchema,
  amendmentViewSchema,
  passkeyViewSchema,
  pauseViewSchema,
  personViewSchema,
  roleSchema,
} from './views.ts';

const nothing = z.strictObject({});
const done = z.object({ done: z.literal(true) });
const action = z.string().regex(/^act_[0-9a-z]{12}$/);
const reason = z.string().trim().min(3).max(500);

/** What became of a change that may need other owners: made at once, or waiting for them. */
const amended = z.object({ amendment: amendmentViewSchema });

const serverLock = z.object({
  server: z.object({ id: z.string(), name: z.string() }),
  state: z.enum(['unlocked', 'following', 'behind', 'other_lock', 'disabled', 'unknown']),
  number: z.int().nullable(),
  online: z.boolean(),
});

export const trustOperations = {
  listPasskeys: operation(
    'person',
    'GET',
    '/passkeys',
    'Your passkeys, and the site that they belong to.',
    nothing,
    z.object({
      passkeys: z.array(passkeyViewSchema),
      party: relyingPartySchema.nullable(),
      impossible_because: z.string().nullable(),
    }),
  ),
  startPasskey: operation(
    'person',
    'POST',
    '/passkeys/options',
    'Options for making a passkey in the browser.',
    z.strictObject({ proof: proofSchema }),
    z.object({ options: webauthnJson }),
  ),
  addPasskey: operation(
    'person',
    'POST',
    '/passkeys',
    'Adds the passkey that the browser made.',
    z.strictObject({ name: z.string().trim().min(1).max(100), response: webauthnJson }),
    z.object({ passkey: passkeyViewSchema }),
  ),
  removePasskey: operation(
    'person',
    'POST',
    '/passkeys/{passkey}/remove',
    'Removes one of your passkeys.',
    z.strictObject({ passkey: z.string().max(40), proof: proofSchema }),
    done,
  ),
  startPasskeySignIn: operation(
    'public',
    'POST',
    '/session/passkey/options',
    'Options for signing in with a passkey.',
    nothing,
    z.object({ options: webauthnJson.nullable().describe('null where passkeys do not work') }),
  ),
  signInWithPasskey: operation(
    'public',
    'POST',
    '/session/passkey',
    'Signs a person in with a passkey.',
    z.strictObject({ response: webauthnJson }),
    z.object({ person: personViewSchema, session: z.string().nullable(), expires_at: z.string() }),
  ),
  startProof: operation(
    'person',
    'POST',
    '/session/proof',
    'Which fresh proofs you can give, and options for a passkey.',
    nothing,
    z.object({ kinds: z.array(z.enum(['password', 'code', 'passkey'])), options: webauthnJson.nullable() }),
  ),

  getLock: operation(
    'person',
    'GET',
    '/lock',
    'The lock that servers follow, its changes, and how far each server has come.',
    nothing,
    z.object({
      state: lockStateSchema.nullable(),
      state_digest: z.string().nullable(),
      first: lockStateSchema.nullable(),
      changes: z.array(z.object({ change: signedLockChangeSchema, digest: z.string(), by: z.string() })),
      servers: z.array(serverLock),
    }),
  ),
  initLock: operation(
    'owner',
    'POST',
    '/lock',
    'Keeps the first state of a lock, so that changes can be handed to the servers that pin it.',
    z.strictObject({ state: lockStateSchema, proof: proofSchema }),
    done,
  ),
  changeLock: operation(
    'approver',
    'POST',
    '/lock/changes',
    'Takes a signed change of the lock and hands it to every server that follows it.',
    z.strictObject({ change: signedLockChangeSchema }),
    z.object({ state: lockStateSchema, state_digest: z.string() }),
  ),

  confirmAction: operation(
    'approver',
    'POST',
    '/actions/{action}/confirm',
    'Confirms that the server can still be reached, so that nothing is taken back.',
    z.strictObject({ action, signature: approverSignatureSchema.optional() }),
    actionDetailSchema,
  ),

  getPause: operation(
    'person',
    'GET',
    '/pause',
    'Whether all changes are paused.',
    nothing,
    z.object({ pause: pauseViewSchema.nullable() }),
  ),
  pauseDispatch: operation(
    'approver',
    'POST',
    '/pause',
    'Pauses all changes on all servers at once. Reading goes on.',
    z.strictObject({ reason: reason.optional(), stop_running: z.boolean().default(false) }),
    z.object({ pause: pauseViewSchema, stopping: z.int().describe('how many running actions were asked to stop') }),
  ),
  resumeDispatch: operation(
    'owner',
    'POST',
    '/resume',
    'Lets changes happen again.',
    z.strictObject({ proof: proofSchema }),
    done,
  ),

  changeRole: operation(
    'owner',
    'PUT',
    '/people/{person}/role',
    'Changes what a person may do.',
    z.strictObject({ person: z.string().max(40), role: roleSchema, proof: proofSchema }),
    amended,
  ),
  setPolicy: operation(
    'owner',
    'PUT',
    '/policy',
    'Replaces the rules in force.',
    z.strictObject({
      yaml: z.string().max(256 * 1024),
      before: z.string().max(100).describe('SHA-256 of the rules that it replaces, so that nobody overwrites another'),
      proof: proofSchema,
    }),
    amended,
  ),
  testPolicy: operation(
    'person',
    'POST',
    '/policy/test',
    'What the rules would say of a request.',
    z.strictObject({
      yaml: z
        .string()
        .max(256 * 1024)
        .optional()
        .describe('other rules than those in force'),
      server: z.string().max(100),
      playbook: z.string().max(100).optional(),
      capabilities: z.array(changeIdSchema).max(20).default([]),
      risk: riskSchema,
      token: z.string().max(100).optional(),
      client: z.string().max(100).optional(),
    }),
    z.object({ verdict: z.enum(['allow', 'ask', 'deny']), rule: z.string(), why: z.string() }),
  ),
  listAmendments: operation(
    'person',
    'GET',
    '/amendments',
    'Changes of policy, roles and tokens: those that wait for other owners, and the newest that are over.',
    nothing,
    z.object({ amendments: z.array(amendmentViewSchema) }),
  ),
  collectAmendment: operation(
    'person',
    'POST',
    '/amendments/{amendment}/collect',
    'Makes your token or invitation that other owners agreed to, and shows its secret once.',
    z.strictObject({ amendment: z.string().max(40) }),
    z.object({
      amendment: amendmentViewSchema,
      secret: z.string().nullable().describe('of the token'),
      link: z.string().nullable().describe('of the invitation'),
    }),
  ),
  decideAmendment: operation(
    'person',
    'POST',
    '/amendments/{amendment}',
    'Agrees to an amendment of another owner, declines it, or withdraws one’s own.',
    z.strictObject({
      amendment: z.string().max(40),
      verdict: z.enum(['agree', 'decline', 'withdraw']),
      proof: proofSchema.optional(),
    }),
    amended,
  ),

  releaseServer: operation(
    'owner',
    'POST',
    '/servers/{server}/release',
    'Lets changes go again to a server whose identity a second agent had used.',
    z.strictObject({ server: z.string().min(1).max(100), reason, proof: proofSchema }),
    done,
  ),
  acceptRollback: operation(
    'owner',
    'POST',
    '/audit/rollback',
    'Accepts that this database is older than what servers remember, so that changes may go on.',
    z.strictObject({ reason, proof: proofSchema }),
    done,
  ),
};
