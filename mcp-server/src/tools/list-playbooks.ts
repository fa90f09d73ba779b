import { assistantOperations, type PlaybookView } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';
import { oneLine } from '../untrusted.ts';

const rowSchema = z.object({
  id: z.string(),
  title: z.string(),
  summary: z.string(),
  effect: z.string().describe('observe: runs at once'),
  risk: z.string(),
  reversible: z.boolean(),
  parameters: z.array(z.string()).describe('* is required'),
  fits: z.boolean().optional().describe('with `server`'),
  does_not_fit_because: z.string().optional(),
});

const row = (playbook: PlaybookView): z.input<typeof rowSchema> => ({
  id: playbook.id,
  title: playbook.title,
  summary: oneLine(playbook.summary, 400),
  effect: playbook.effect,
  risk: playbook.risk,
  reversible: playbook.reversible,
  parameters: playbook.parameters.map(({ name, required, type }) => `${name}${required ? '*' : ''}: ${type}`),
  ...(playbook.fits === undefined ? {} : { fits: playbook.fits }),
  ...(playbook.does_not_fit_because === undefined ? {} : { does_not_fit_because: playbook.does_not_fit_because }),
});

export const listPlaybooks = defineTool({
  name: 'list_playbooks',
  title: 'List playbooks',
  description:
    'Fixes that can be asked for: restart or reload a service, reset a failed unit, free disk space, reload nginx safely, set a config key. With `server`: whether each fits it.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.listPlaybooks.input,
  output: z.object({ playbooks: z.array(rowSchema), hint: z.string().optional() }),
  narrow: 'get_playbook shows one whole',
  run: async (input, { call, signal }) => {
    const { playbooks } = await call('listPlaybooks', input, { signal });
    return { playbooks: playbooks.map(row) };
  },
});
