/** Packages of Debian. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, mutate, observe } from './capability.ts';

/** Names of packages parted by blanks, `*` for any characters. Source: Debian policy 5.6.1. */
const holdSchema = z
  .string()
  .max(500)
  .regex(
    /^[a-z0-9*][a-z0-9+.*-]*( [a-z0-9*][a-z0-9+.*-]*)*$/,
    'names of packages parted by blanks; * stands for any characters',
  )
  .optional();

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
    z.strictObject({ hold: holdSchema.describe('packages whose updates do not count') }),
    z.object({
      lock_held: z.boolean(),
      half_done: z.int(),
      security_updates: z.int().nullable(),
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
  'apt.security_upgrade': mutate(
    'Install security updates by unattended-upgrades, except for packages that are held.',
    'high',
    z.strictObject({ hold: holdSchema.describe('packages that stay as they are') }),
    { timeoutMs: 1_800_000, undoable: true },
  ),
};
