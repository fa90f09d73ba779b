/** Listeners, connections and names. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe } from './capability.ts';

/** A host name as it is looked up. Source: RFC 1123, 2.1. */
export const hostNameSchema = z
  .string()
  .max(253)
  .regex(
    /^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/,
    'a host name',
  );

/** A port of the server itself. */
export const localPortSchema = z.int().min(1).max(65_535);

/** An address of the server itself. */
export const localUrlSchema = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .refine(
    (url) => /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/.test(url),
    'an address of the server itself (localhost, 127.0.0.1 or [::1])',
  );

export const diagnostics = {
  network_ports: observe(
    'Who listens where, and whether an expected port is missing.',
    z.strictObject({ port: localPortSchema.optional() }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  dns: observe(
    'Which name server fails or is slow, each asked directly, and what this server itself resolves.',
    z.strictObject({ names: z.array(hostNameSchema).max(4).default([]) }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'http.probe': observe(
    'One HTTP request from the server to itself.',
    z.strictObject({
      url: localUrlSchema,
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
    z.strictObject({ port: localPortSchema }),
    z.object({ open: z.boolean(), ms: z.number() }),
    { timeoutMs: 10_000 },
  ),
  'resolver.probe': observe(
    'What the first name server in /etc/resolv.conf, which programs ask, says of a name.',
    z.strictObject({ name: hostNameSchema }),
    z.object({
      ok: z.boolean().describe('whether there is such a name and the answer came'),
      addresses: z.int(),
      ms: z.number(),
      error: z.string().nullable(),
    }),
    { timeoutMs: 10_000 },
  ),
  'agent.link': observe(
    'Whether the agent is connected to its control plane, and whether a new connection there is accepted now.',
    z.strictObject({}),
    z.object({ connected: z.boolean(), reachable: z.boolean() }),
    { timeoutMs: 12_000 },
  ),
};

/** The name of a network interface. Source: ip-link(8). */
const linkSchema = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/, 'a network link such as eth0');
const serverSchema = z.union([z.ipv4(), z.ipv6()], 'an IP address');

export const changes = {
  'resolver.fix': mutate(
    'Mend how systemd-resolved looks up names: forget its answers, restart it, or have a link ask other servers until the next boot.',
    'medium',
    z.strictObject({
      action: z.enum(['flush', 'restart', 'set_servers']),
      link: linkSchema.optional().describe('with set_servers: the network link, such as eth0'),
      server: serverSchema.optional().describe('with set_servers'),
      second_server: serverSchema.optional().describe('with set_servers'),
    }),
    { timeoutMs: 30_000, undoable: true },
  ),
};
