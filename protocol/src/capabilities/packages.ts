/** Packages of Debian. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe } from './capability.ts';

/** Name of a package, or a pattern of names with `*`. Source: Debian policy 5.6.1. */
const packagePatternSchema = z
  .string()
  .max(100)
  .regex(/^[a-z0-9*][a-z0-9+.*-]*$/, 'a package name; * stands for any characters');

export const diagnostics = {
  packages: observe(
    'Security updates, half-installed packages, who holds the lock of the package database, and whether a reboot is due.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'packages.state': observe(
    'Whether the package database is locked, what is half installed, what could be updated, and what apt keeps.',
    z.strictObject({}),
    z.object({
      lock_held: z.boolean(),
      half_done: z.int(),
      security_updates: z.int(),
      archive_bytes: z.int(),
    }),
  ),
};

export const changes = {
  'apt.clean': mutate('Delete the packages that apt downloaded and keeps.', 'low', z.strictObject({})),
  'apt.repair': mutate(
    'Finish what dpkg left half done, and have apt mend what is missing. Never while somebody else holds the lock.',
    'high',
    z.strictObject({}),
    { timeoutMs: 900_000 },
  ),
};
