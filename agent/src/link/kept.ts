/** What the link keeps in its folder, as schemas. Apart from the files that keep it: a link that finds what it wrote needs no zod. */
import { idSchema, publicKeySchema } from '@countersign/protocol';
import { agentAlertKinds } from '@countersign/protocol/agent-wire/facts';
import { fromAgentSchema } from '@countersign/protocol/agent-wire/messages';
import { z } from 'zod';
import { aboutSchema } from '../run/runner-wire.ts';

export const identitySchema = z.strictObject({
  serverId: idSchema('srv'),
  serverName: z.string().max(100),
  publicKey: publicKeySchema,
});

export const keptAboutSchema = z.object({ stamp: z.string(), about: aboutSchema });

/** Lines of the outbox: a message that waits, and what became of some. */
export const outboxLines = [
  z.object({ key: z.string(), message: fromAgentSchema }),
  z.object({ acknowledged: z.int() }),
  z.object({ next: z.int() }),
  z.object({ dropped: z.int() }),
] as const;
export const outboxLineSchema = z.union(outboxLines);

const severitySchema = z.enum(['critical', 'warning']);
export const watchStateSchema = z.object({
  firing: z.array(
    z.object({ kind: z.enum(agentAlertKinds), key: z.string(), severity: severitySchema, title: z.string() }),
  ),
});

export const statusSchema = z.object({
  pid: z.int(),
  /** When that process started, ticks since the boot: tells it from a later one with the same id. */
  startedTicks: z.int(),
  at: z.int(),
  state: z.enum(['connecting', 'connected', 'waiting']),
  serverName: z.string().optional(),
  skewMs: z.number().optional(),
  why: z.string().optional(),
});
