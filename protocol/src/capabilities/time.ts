/** The clock of the server. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe } from './capability.ts';

export const diagnostics = {
  time_sync: observe(
    'Whether something keeps the clock right, and how far it is off.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {};

export const changes = {};
