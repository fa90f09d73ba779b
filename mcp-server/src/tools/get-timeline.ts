import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { fetchPage, pageSchema } from '../fetch-page.ts';
import { defineTool, reads } from '../tool.ts';
import { oneLine } from '../untrusted.ts';

export const getTimeline = defineTool({
  name: 'get_timeline',
  title: 'What happened',
  description:
    'What happened during an incident, newest first: alerts, diagnostics, actions, decisions. Filter by server or alert.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getTimeline.input,
  output: z.object({
    entries: z.array(
      z.object({
        at: z.string(),
        kind: z.string(),
        untrusted_output: z.string().describe('title; may quote alerts'),
        server: z.string().nullable(),
        action: z.string().nullable(),
        alert: z.string().nullable(),
        by: z.string().nullable(),
      }),
    ),
    ...pageSchema,
  }),
  narrow: 'name a server or since, or ask for fewer with limit',
  run: async (input, { call, signal }) => {
    return fetchPage('entries', input.limit, async (limit) => {
      const { entries, next_cursor } = await call('getTimeline', { ...input, limit }, { signal });
      return { rows: entries.map(row), next_cursor };
    });
  },
});

type Entry = z.output<typeof assistantOperations.getTimeline.output>['entries'][number];

const row = ({ at, kind, title, server, action, alert, by }: Entry) => ({
  at,
  kind,
  untrusted_output: oneLine(title, 300),
  server: server?.name ?? null,
  action,
  alert,
  by: by && oneLine(by, 100),
});
