import { assistantOperations, type ServerView } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { fetchPage, pageSchema } from '../fetch-page.ts';
import { defineTool, reads } from '../tool.ts';

const rowSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  labels: z.record(z.string(), z.string()),
  os: z.string().nullable(),
  mode: z.string().nullable().describe('observe: reading only'),
  locked: z.boolean(),
  firing_alerts: z.int(),
  last_seen_at: z.string().nullable(),
  load1_per_cpu: z.number().nullable(),
  memory_used_ratio: z.number().nullable(),
  fullest_mount: z.string().nullable(),
  failed_units: z.int().nullable(),
});

const row = ({ sample, ...server }: ServerView): z.input<typeof rowSchema> => ({
  id: server.id,
  name: server.name,
  state: server.state,
  labels: server.labels,
  os: server.os,
  mode: server.mode,
  locked: server.locked,
  firing_alerts: server.firing_alerts,
  last_seen_at: server.last_seen_at,
  load1_per_cpu: sample?.load1_per_cpu ?? null,
  memory_used_ratio: sample?.memory_used_ratio ?? null,
  fullest_mount: sample?.fullest_mount ? fullness(sample.fullest_mount) : null,
  failed_units: sample?.failed_units ?? null,
});

const fullness = ({ mount, used_ratio }: { mount: string; used_ratio: number }) =>
  `${mount} ${Math.round(used_ratio * 100)} %`;

export const listServers = defineTool({
  name: 'list_servers',
  title: 'List servers',
  description:
    'The servers (hosts, VPS, machines) under care and their health: online or offline, load, memory, fullest disk, failed units, firing alerts.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.listServers.input,
  output: z.object({
    servers: z.array(rowSchema),
    ...pageSchema,
  }),
  narrow: 'filter by state or label, or ask for fewer with limit',
  run: async (input, { call, signal }) => {
    return fetchPage('servers', input.limit, async (limit) => {
      const { servers, next_cursor } = await call('listServers', { ...input, limit }, { signal });
      return { rows: servers.map(row), next_cursor };
    });
  },
});
