/** Small readings that preconditions, checks and state witnesses are made of. */
import { z } from 'zod';
import { observe, pathSchema, sha256Schema, unitSchema } from './capability.ts';

/** State of a unit. Source: systemctl(1) `show`, org.freedesktop.systemd1(5). */
export const unitStateSchema = z.object({
  exists: z.boolean(),
  active_state: z.string(),
  sub_state: z.string(),
  unit_file_state: z.string(),
  result: z.string(),
  main_pid: z.int(),
  restarts: z.int(),
  can_reload: z.boolean(),
  active_since: z.string().nullable(),
});

export const fileStateSchema = z.object({
  exists: z.boolean(),
  kind: z.enum(['file', 'directory', 'symlink', 'other', 'none']),
  bytes: z.int(),
  sha256: sha256Schema.nullable(),
  mode: z.string(),
  owner: z.string(),
});

export const probes = {
  'unit.state': observe('The state of a unit.', z.strictObject({ unit: unitSchema }), unitStateSchema),
  'nginx.test': observe(
    'Whether nginx accepts its configuration (`nginx -t`).',
    z.strictObject({}),
    z.object({ valid: z.boolean(), output: z.string() }),
  ),
  'http.probe': observe(
    'One HTTP request from the server to itself.',
    z.strictObject({
      url: z
        .url({ protocol: /^https?$/ })
        .max(500)
        .refine(
          (url) => /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/.test(url),
          'an address of the server itself (localhost, 127.0.0.1 or [::1])',
        ),
      host: z
        .string()
        .max(253)
        .regex(/^[A-Za-z0-9.-]+$/)
        .optional()
        .describe('Host header, for a virtual host'),
    }),
    z.object({ status: z.int().describe('0 when there was no answer'), ms: z.number(), error: z.string().nullable() }),
    { timeoutMs: 10_000 },
  ),
  'tcp.probe': observe(
    'Whether something accepts connections on a local port.',
    z.strictObject({ port: z.int().min(1).max(65_535) }),
    z.object({ open: z.boolean(), ms: z.number() }),
    { timeoutMs: 10_000 },
  ),
  'file.state': observe(
    'Kind, size, owner and SHA-256 of a file.',
    z.strictObject({ path: pathSchema }),
    fileStateSchema,
  ),
  'disk.free': observe(
    'Free space of the file system that holds a path.',
    z.strictObject({ path: pathSchema }),
    z.object({ mount: z.string(), bytes_free: z.int(), used_ratio: z.number() }),
    { needsRoot: false },
  ),
  'journal.usage': observe(
    'How much space the journal takes (`journalctl --disk-usage`).',
    z.strictObject({}),
    z.object({ bytes: z.int(), oldest: z.string().nullable() }),
  ),
};
