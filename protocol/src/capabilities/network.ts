/** Listeners, connections and names. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe } from './capability.ts';

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
};

export const changes = {};
