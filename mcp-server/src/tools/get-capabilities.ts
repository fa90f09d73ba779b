import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';

const list = z.array(z.string());

export const getCapabilities = defineTool({
  name: 'get_capabilities',
  title: 'What can be done here',
  description:
    'Start here: rules, your scope, diagnostic ids with parameters, limits. With `server`: what its own policy allows (mode, risk, commands, file roots).',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getCapabilities.input,
  output: z.object({
    version: z.string(),
    you: z.object({ person: z.string(), token: z.string().nullable(), scope: z.string() }),
    rules: list,
    diagnostics: z.array(z.object({ id: z.string(), summary: z.string(), parameters: list })),
    server: z
      .object({
        id: z.string(),
        name: z.string(),
        mode: z.string().nullable(),
        max_risk: z.string().nullable(),
        commands: z.boolean(),
        reading_commands: z.boolean(),
        own_commands: z
          .array(z.object({ id: z.string(), summary: z.string(), risk: z.string() }))
          .describe('run_playbook runs them'),
        read_roots: list,
        write_roots: list,
        missing_diagnostics: list,
      })
      .nullable(),
    limits: z.record(z.string(), z.union([z.number(), z.string()])),
  }),
  narrow: 'name one server',
  run: (input, { call, signal }) => call('getCapabilities', input, { signal }),
});
