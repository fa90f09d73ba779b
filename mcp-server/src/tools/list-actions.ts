import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { actionRow, actionRowSchema } from '../action-view.ts';
import { fetchPage, pageSchema } from '../fetch-page.ts';
import { defineTool, reads } from '../tool.ts';

const { input } = assistantOperations.listActions;

export const listActions = defineTool({
  name: 'list_actions',
  title: 'List actions',
  description:
    'Requested changes, newest first: pending approval, running, done, failed. `open`: those that can still change.',
  scope: 'read',
  annotations: reads,
  input: input.omit({ open: true }).extend({ open: z.boolean().optional() }),
  output: z.object({
    actions: z.array(actionRowSchema),
    ...pageSchema,
  }),
  narrow: 'name a server or state, or ask for fewer with limit',
  run: async ({ open, ...input }, { call, signal }) => {
    const filter = open === undefined ? input : { ...input, open: open ? ('true' as const) : ('false' as const) };
    return fetchPage('actions', input.limit, async (limit) => {
      const { actions, next_cursor } = await call('listActions', { ...filter, limit }, { signal });
      return { rows: actions.map(actionRow), next_cursor };
    });
  },
});
