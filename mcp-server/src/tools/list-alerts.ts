import { type AlertView, assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { fetchPage, pageSchema } from '../fetch-page.ts';
import { defineTool, reads } from '../tool.ts';
import { oneLine } from '../untrusted.ts';

const rowSchema = z.object({
  id: z.string(),
  state: z.string(),
  severity: z.string(),
  source: z.string(),
  kind: z.string(),
  title: z.string().optional(),
  untrusted_output: z.string().optional().describe('words of another program: title and labels'),
  server: z.string().nullable(),
  first_at: z.string(),
  last_at: z.string(),
  resolved_at: z.string().nullable(),
  times: z.int(),
});

const row = (alert: AlertView): z.input<typeof rowSchema> => ({
  id: alert.id,
  state: alert.state,
  severity: alert.severity,
  source: alert.source,
  kind: oneLine(alert.kind, 100),
  ...words(alert),
  server: alert.server?.name ?? null,
  first_at: alert.first_at,
  last_at: alert.last_at,
  resolved_at: alert.resolved_at,
  times: alert.times,
});

/** Titles of our own alerts are our words; those of webhooks are anybody's. */
function words({ source, title, labels }: AlertView) {
  if (source === 'agent' || source === 'control_plane') return { title: oneLine(title, 300) };
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return { untrusted_output: oneLine([title, ...pairs].join(' '), 1000) };
}

export const listAlerts = defineTool({
  name: 'list_alerts',
  title: 'List alerts',
  description:
    'Alerts, firing ones first: disk full, memory, load, failed unit, OOM kill, certificate expiry, server offline, and those sent by Alertmanager or Grafana.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.listAlerts.input,
  output: z.object({
    alerts: z.array(rowSchema),
    ...pageSchema,
  }),
  narrow: 'name a server, or ask for fewer with limit',
  run: async (input, { call, signal }) => {
    return fetchPage('alerts', input.limit, async (limit) => {
      const { alerts, next_cursor } = await call('listAlerts', { ...input, limit }, { signal });
      return { rows: alerts.map(row), next_cursor };
    });
  },
});
