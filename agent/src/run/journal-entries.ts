/** What the runner's journal can hold: one schema per kind of entry. Source: design.md, section 6; threats.md, semantics. */
import {
  type ActionResult,
  actionResultSchema,
  journaledSchema,
  scalarSchema,
  sha256Schema,
  signedGrantSchema,
  stepOutcomeSchema,
} from '@countersign/protocol';
import { wireFaultSchema } from '@countersign/protocol/agent-wire/messages';
import { z } from 'zod';

const action = { actionId: z.string() };
const step = { ...action, step: z.string(), phase: z.enum(['run', 'undo']) };

/** Fields of a reading as they were right before the first step. */
export const beforeSchema = z.record(z.string(), scalarSchema);
export type Before = z.infer<typeof beforeSchema>;

/** An action that is over: its id, its digest, how it ended and when it was first written down. */
const usedSchema = z.tuple([z.string(), sha256Schema, journaledSchema.shape.state, z.int()]);

export const journalEntrySchema = z.discriminatedUnion('kind', [
  /** The grant is good and is about to be carried out. Durable before anything is done. */
  z.object({
    kind: z.literal('intent'),
    ...action,
    digest: sha256Schema,
    grant: signedGrantSchema,
    bootId: z.string(),
  }),
  /**
   * State as approved: from here on the answer is a result, never a refusal. `before` holds, for each probe of the check, the
   * fields that it compares with what they were. Durable with the intent of the first step.
   */
  z.object({ kind: z.literal('started'), ...action, before: z.array(beforeSchema).optional() }),
  /** One step is about to begin. Durable before it does. */
  z.object({ kind: z.literal('step_intent'), ...step, memory: z.json() }),
  z.object({ kind: z.literal('step_result'), ...step, outcome: stepOutcomeSchema }),
  /** Could lock everybody out: taken back at `until`, unless confirmed before. Durable before the first step. */
  z.object({ kind: z.literal('armed'), ...action, until: z.int() }),
  /** Steps and check are over: a confirmation counts from here on. */
  z.object({ kind: z.literal('confirming'), ...action }),
  /** A human confirmed: nothing takes it back any more. */
  z.object({ kind: z.literal('confirmed'), ...action }),
  z.object({ kind: z.literal('stop_asked'), ...action }),
  z.object({ kind: z.literal('refused'), ...action, digest: sha256Schema, fault: wireFaultSchema }),
  /** The head that the result names is the one before this entry. */
  z.object({ kind: z.literal('result'), ...action, result: actionResultSchema }),
  /** The control plane has stored this report. */
  z.object({ kind: z.literal('kept'), ...action, report: z.enum(['started', 'refused', 'finished']) }),
  /** A line that was cut off by a crash was removed. */
  z.object({ kind: z.literal('repaired'), bytes: z.int() }),
  /** First entry after a rotation: what earlier files hold that still counts. */
  z.object({ kind: z.literal('continued'), used: z.array(usedSchema) }),
]);
export type JournalEntry = z.infer<typeof journalEntrySchema>;
export type EntryOf<K extends JournalEntry['kind']> = Extract<JournalEntry, { kind: K }>;
export type { ActionResult };

/** A line of the journal: the entry, its number, when, and the hash that ties it to the line before. */
export const journalLineSchema = z.object({
  n: z.int().nonnegative(),
  at: z.int(),
  previous: sha256Schema,
  entry: journalEntrySchema,
  hash: sha256Schema,
});
export type JournalLine = z.infer<typeof journalLineSchema>;
