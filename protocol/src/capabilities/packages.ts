/** Packages of Debian. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe } from './capability.ts';

export const diagnostics = {
  packages: observe(
    'Security updates, half-installed packages, who holds the lock of the package database, and whether a reboot is due.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {};

export const changes = {};
