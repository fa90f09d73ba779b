/** Readings of one server that are no diagnostics: what there is on it, whether a deploy is well, and its files. */
import { z } from 'zod';
import {
  discoveredKindSchema,
  discoveredSchema,
  discoverySchema,
  observations,
  pathSchema,
} from '../capabilities/index.ts';
import { limit, operation, serverRefSchema } from './operation.ts';

export const readingOperations = {
  discoverServices: operation(
    'read',
    'POST',
    '/servers/{server}/discover',
    'What there is on a server, its age, and what is different since the time before.',
    z.strictObject({
      server: serverRefSchema,
      refresh: z
        .enum(['never', 'when_missing', 'now'])
        .default('when_missing')
        .describe('now: look anew, at most once a minute'),
      kinds: z.array(discoveredKindSchema).min(1).max(9).optional(),
    }),
    z.object({
      server: z.object({ id: z.string(), name: z.string() }),
      /** When it was looked at; null when nobody has. */
      at: z.string().nullable(),
      age_s: z.int().nullable(),
      /** Whether this call looked. */
      looked: z.boolean(),
      /** When it can be looked at anew. */
      refresh_in_s: z.int(),
      ...discoverySchema.omit({ units: true }).shape,
      /** Null when it was looked at once only. */
      difference: z
        .object({
          since: z.string(),
          appeared: z.array(discoveredSchema),
          gone: z.array(discoveredSchema),
          changed: z.array(discoveredSchema.extend({ was: z.string() })),
        })
        .nullable(),
    }),
  ),
  verifyDeploy: operation(
    'read',
    'POST',
    '/servers/{server}/verify-deploy',
    'Whether a deploy is well: pass, fail or unknown, with the reasons.',
    z.strictObject({ server: serverRefSchema, ...observations['deploy.verify'].parameters.shape }),
    observations['deploy.verify'].result,
  ),
  readFile: operation(
    'read',
    'GET',
    '/servers/{server}/file',
    'Lines of a file, redacted on the server.',
    z.strictObject({
      server: serverRefSchema,
      path: pathSchema,
      from_line: z.coerce.number().int().min(1).default(1),
      lines: limit(2000, 400),
    }),
    observations['file.read'].result,
  ),
  diffFile: operation(
    'read',
    'GET',
    '/servers/{server}/diff',
    'What is different between a file and another, its backup or its package.',
    z.strictObject({ server: serverRefSchema, ...observations['file.diff'].parameters.shape }),
    observations['file.diff'].result,
  ),
  searchFiles: operation(
    'read',
    'GET',
    '/servers/{server}/search',
    'Lines that contain a text, below a folder.',
    z.strictObject({
      server: serverRefSchema,
      path: pathSchema,
      text: z.string().min(1).max(200),
      name: z.string().max(100).optional(),
      max_matches: limit(200, 50),
    }),
    observations['file.search'].result,
  ),
};
