/** What a server tells of its own policy. */
import { z } from 'zod';
import { lockStateSchema } from '../lock.ts';
import { ownCommandViewSchema } from '../own-command.ts';
import { riskSchema } from '../risk.ts';

/** What the server's own policy says, as far as others need to know. Source of truth: /etc/countersign/policy.yaml there. */
export const localPolicySummarySchema = z.object({
  mode: z.enum(['observe', 'act']),
  maxRisk: riskSchema,
  commands: z.boolean(),
  /** Whether commands that only read may run as such; absent from an agent that does not know them. */
  readingCommands: z.boolean().optional(),
  /** The commands that the owner declared; absent from an agent that does not tell. */
  ownCommands: z.array(ownCommandViewSchema).max(100).optional(),
  readRoots: z.array(z.string()).max(100),
  writeRoots: z.array(z.string()).max(100),
  /** The lock as far as this server has followed it; null when its owner pinned none. Keys are public. */
  lock: lockStateSchema.nullable(),
});
export type LocalPolicySummary = z.infer<typeof localPolicySummarySchema>;

/** Whether a server itself checks approver signatures. */
export function isLocked({ lock }: Pick<LocalPolicySummary, 'lock'>): boolean {
  return lock !== null && !lock.disabled;
}
