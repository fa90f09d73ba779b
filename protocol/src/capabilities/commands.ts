/** Commands outside playbooks, where the server’s owner allows them. */
import { z } from 'zod';
import { argvSchema, mutate, pathSchema } from './capability.ts';

const text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0]*$/, 'text');
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
};
