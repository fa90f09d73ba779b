import { type AuditEntryView, assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { fetchPage, pageSchema } from '../fetch-page.ts';
import { bytesOf } from '../fit.ts';
import { defineTool, reads } from '../tool.ts';
import { oneLine } from '../untrusted.ts';

/** Details of one entry that are longer, as JSON bytes, are cut. */
const DETAILS_BYTES_MAX = 2000;

export const getAuditLog = defineTool({
  name: 'get_audit_log',
  title: 'Audit log',
  description:
    'Who did what and why, newest first, from the tamper-evident audit log. Filter by server, action, event or since.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getAuditLog.input,
  output: z.object({
    entries: z.array(
      z.object({
        seq: z.int(),
        at: z.string(),
        event: z.string(),
        who: z.string(),
        server: z.string().nullable(),
        action: z.string().nullable(),
        details: z.record(z.string(), z.unknown()),
        hash: z.string(),
      }),
    ),
    ...pageSchema,
  }),
  narrow: 'filter by action or event, or ask for fewer with limit',
  run: async (input, { call, signal }) => {
    return fetchPage('entries', input.limit, async (limit) => {
      const { entries, next_cursor } = await call('getAuditLog', { ...input, limit }, { signal });
      return { rows: entries.map(row), next_cursor };
    });
  },
});

const row = ({ seq, at, event, who, server, action, details, hash }: AuditEntryView) => ({
  seq,
  at,
  event,
  who: whoView(who),
  server: server?.name ?? null,
  action,
  details:
    bytesOf(details) <= DETAILS_BYTES_MAX
      ? details
      : { untrusted_output: oneLine(JSON.stringify(details), DETAILS_BYTES_MAX) },
  hash,
});

function whoView({ person, token, client, by }: AuditEntryView['who']): string {
  const through = [token && `token ${token.name}`, client && `client ${client}`].filter((part) => part !== null);
  return oneLine([person?.name ?? by, ...through].join(', '), 200);
}
