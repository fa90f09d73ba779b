import { z } from 'zod';
import { lockStateSchema } from '../lock.ts';
import { riskSchema } from '../risk.ts';

/** The server's own policy as people see it. The words of its commands stay on the wire: the dashboard needs their names. */
export const serverPolicySchema = z.object({
  mode: z.enum(['observe', 'act']),
  maxRisk: riskSchema,
  commands: z.boolean(),
  readingCommands: z.boolean().optional(),
  ownCommands: z.array(z.object({ name: z.string(), summary: z.string(), risk: riskSchema })).optional(),
  readRoots: z.array(z.string()),
  writeRoots: z.array(z.string()),
  lock: lockStateSchema.nullable(),
});
