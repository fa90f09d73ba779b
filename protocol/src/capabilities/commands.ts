/** Commands outside playbooks, and those that the server’s owner declared, where the owner allows them. */
import { z } from 'zod';
import { argvSchema, mutate, pathSchema } from './capability.ts';

const text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0]*$/, 'text');

/** Which command of the owner, and its values. Its argv is known on the server alone. */
const ownCommand = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'the name of a command of the owner'),
  parameters: z.record(z.string().max(40), z.union([z.string().max(128 * 1024), z.number(), z.boolean()])).default({}),
});

export const diagnostics = {};

export const probes = {};

export const changes = {
  'command.run': mutate(
    'Run one program with arguments, without a shell. What it does cannot be predicted.',
    'high',
    z.strictObject({
      argv: argvSchema,
      cwd: pathSchema.optional(),
      timeout_s: z.int().min(1).max(3600).default(60),
      stdin: text(64 * 1024)
        .optional()
        .describe('standard input; may hold {{secret:name}}'),
      environment: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'the name of a variable'), text(8192))
        .optional()
        .describe('variables of the environment; values may hold {{secret:name}}'),
    }),
    { timeoutMs: 3_600_000 },
  ),
  'command.read': mutate(
    'Run one program that is known to read only, with options that are known to read only, below the read roots of the server.',
    'low',
    z.strictObject({ argv: argvSchema, timeout_s: z.int().min(1).max(120).default(60) }),
    { timeoutMs: 120_000 },
  ),
  // Their risk is the one that the owner declared; what stands here is the least.
  'local.run': mutate('Run a command that the owner of the server declared.', 'low', ownCommand, {
    timeoutMs: 3_600_000,
  }),
  'local.check': mutate('Run the check of a command of the owner.', 'low', ownCommand, { timeoutMs: 3_600_000 }),
  'local.undo': mutate('Take a command of the owner back.', 'low', ownCommand, { timeoutMs: 3_600_000 }),
};
