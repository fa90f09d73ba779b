/** Countersign's own agent on a server. Its changes are refused unless the server's own policy opens them (`agent_changes`). */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, durationSchema, mutate, observe, sha256Schema } from './capability.ts';

/** As the package's name has it: `0.1.0-1a2b3c4d`. */
export const agentVersionSchema = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]*$/, 'a version such as 0.1.0-1a2b3c4d');

export const diagnostics = {
  agent: observe(
    'The agent itself: its version, what the control plane offers, and whether it is as it was installed.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'agent.state': observe(
    'Which version of the agent is installed, which one its link runs, whether that is connected, and how much is damaged.',
    z.strictObject({}),
    z.object({
      installed: z.string().describe('empty where it was not installed by its script'),
      link: z.string().describe('the version that the link runs; empty when it does not'),
      connected: z.boolean(),
      removal: z.boolean().describe('whether the agent is about to be removed'),
      damage: z.int().describe('how many things are not as the install script leaves them'),
    }),
  ),
};

export const changes = {
  'agent.update': mutate(
    'Run another version of the agent: the one package with this checksum. The server goes back by itself unless it connects.',
    'critical',
    z.strictObject({
      version: agentVersionSchema,
      sha256: sha256Schema.describe('of the package'),
      allow_downgrade: z.boolean().default(false),
      back_after: durationSchema.default('3m').describe('when the server goes back by itself; 30s to 15m'),
    }),
    { timeoutMs: 25 * 60_000, undoable: true },
  ),
  'agent.repair': mutate(
    'Put units, owners and modes of the agent back as its install script leaves them, and start what should run.',
    'critical',
    z.strictObject({}),
    { undoable: true },
  ),
  'agent.uninstall': mutate(
    'Remove the agent from the server for good. Nobody can take that back from here.',
    'critical',
    z.strictObject({}),
  ),
};

/** Whether a capability changes the agent itself. */
export const changesAgent = (capability: string): boolean => Object.hasOwn(changes, capability);
