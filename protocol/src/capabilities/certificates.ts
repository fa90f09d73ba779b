/** TLS certificates. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe, pathSchema } from './capability.ts';

/** The name under which certbot keeps a certificate. Source: certbot(1), `--cert-name`. */
const lineage = z.string().regex(/^[A-Za-z0-9_*][A-Za-z0-9_.*-]{0,252}$/, 'the name of a certificate of certbot');
const hostName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'a host name');
const port = z.int().min(1).max(65_535);

export const diagnostics = {
  tls_certs: observe(
    'Certificates: when they end, their chain and names, and whether what is served is what lies in the files.',
    z.strictObject({
      hosts: z
        .array(
          z
            .string()
            .max(260)
            .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(:\d{1,5})?$/, 'a host name, or name:port'),
        )
        .max(20)
        .optional()
        .describe('names that this server serves; those of nginx unless told'),
      paths: z
        .array(pathSchema)
        .max(20)
        .optional()
        .describe('certificate files; those of nginx and certbot unless told'),
      warn_days: z.int().min(1).max(90).default(21),
    }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'certificate.served': observe(
    'The certificate that this server serves for a name.',
    z.strictObject({ host: hostName, port: port.default(443) }),
    z.object({
      served: z.boolean(),
      days_left: z.int().describe('whole days until it ends; negative when it has; -1 when none is served'),
      names_host: z.boolean(),
      sha256: z.string().describe('of the certificate, in hex; empty when none is served'),
    }),
    { timeoutMs: 10_000 },
  ),
  'certificate.lineage': observe(
    'A certificate that certbot keeps.',
    z.strictObject({ name: lineage }),
    z.object({ exists: z.boolean(), days_left: z.int(), version: z.int().describe('raised by each renewal') }),
  ),
};

export const changes = {
  'certificate.rehearse': mutate(
    'Have certbot rehearse a renewal with the test service of its authority. Nothing is kept.',
    'low',
    z.strictObject({ name: lineage }),
    { timeoutMs: 180_000 },
  ),
  'certificate.renew': mutate(
    'Have certbot renew a certificate that is due.',
    'medium',
    z.strictObject({ name: lineage }),
    {
      timeoutMs: 180_000,
      undoable: true,
    },
  ),
  'certificate.restore': mutate(
    'Put the certificate back that was there before this action. Only as an undo.',
    'medium',
    z.strictObject({ name: lineage }),
  ),
};
