/** Logins over SSH. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, observe, sinceSchema } from './capability.ts';

export const diagnostics = {
  ssh_auth: observe(
    'Who tries to log in over SSH and who did: top sources, logins from new addresses, logins as root, settings that invite guessing.',
    z.strictObject({ since: sinceSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {};

export const changes = {};
