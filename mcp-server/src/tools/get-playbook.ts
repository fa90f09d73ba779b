import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';

export const getPlaybook = defineTool({
  name: 'get_playbook',
  title: 'One playbook',
  description:
    'One playbook whole: parameters with types, defaults and bounds, preconditions, steps, check and undo (YAML).',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getPlaybook.input,
  output: z.object({
    id: z.string(),
    version: z.int(),
    title: z.string(),
    summary: z.string(),
    effect: z.string(),
    risk: z.string(),
    reversible: z.boolean(),
    parameters: z.array(
      z.object({ name: z.string(), type: z.string(), summary: z.string(), required: z.boolean() }).loose(),
    ),
    fits: z.boolean().optional(),
    does_not_fit_because: z.string().optional(),
    yaml: z.string(),
    sha256: z.string(),
  }),
  narrow: 'list_playbooks is shorter',
  run: (input, { call, signal }) => call('getPlaybook', input, { signal }),
});
