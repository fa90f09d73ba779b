/** Releases of applications: what runs, whether it is well, and the way back. Apps are declared by the server's owner. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, durationSchema, mutate, observe, unitSchema } from './capability.ts';
import { localPortSchema, localUrlSchema } from './network.ts';

/** The name under which an owner declared an app in `apps:` of the server's policy. */
export const appNameSchema = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'the name of a declared app, such as shop');

/** The folder of a release: a name, never a path. */
export const releaseNameSchema = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'the name of a folder below releases');

/** A branch, tag or commit. Starts with no dash, so that git never takes it for an option. Source: git-check-ref-format(1). */
export const refSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'a branch, tag or commit')
  .refine((ref) => !/\.\.|\/\/|\.lock(\/|$)|[./]$/.test(ref), 'a branch, tag or commit');

export const verdicts = ['pass', 'fail', 'unknown'] as const;

/** What was looked at, and what it said. */
export const deployCheckSchema = z.object({
  check: z.enum(['unit', 'container', 'http', 'tcp', 'version', 'errors']),
  result: z.enum(verdicts),
  /** One sentence of ours. */
  said: z.string().max(300),
});
export type DeployCheck = z.infer<typeof deployCheckSchema>;

export const deployVerdictSchema = z.object({
  verdict: z.enum(verdicts),
  app: z.string().nullable(),
  /** The release that is current; `null` without an app or without releases. */
  release: z.string().nullable(),
  checks: z.array(deployCheckSchema).max(10),
});
export type DeployVerdict = z.infer<typeof deployVerdictSchema>;

export const diagnostics = {
  deploy: observe(
    'Current and previous release of a declared app, whether it is well, and whether what runs is what was deployed.',
    z.strictObject({ app: appNameSchema.optional().describe('all declared apps unless given') }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'deploy.state': observe(
    'Which release of a declared app is current, and which one was before.',
    z.strictObject({ app: appNameSchema }),
    z.object({
      current: z.string().nullable(),
      previous: z.string().nullable(),
      releases: z.int(),
      problem: z.string().nullable().describe('why there is no current release'),
    }),
  ),
  'deploy.verify': observe(
    'Whether a deploy is well: unit, container, HTTP, TCP, version, and errors against the time before.',
    z.strictObject({
      app: appNameSchema.optional().describe('a declared app; its own checks are added'),
      unit: unitSchema.optional(),
      container: z
        .string()
        .max(128)
        .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)
        .optional(),
      url: localUrlSchema.optional().describe('must answer 200 to 399'),
      port: localPortSchema.optional(),
      baseline: durationSchema.default('30m').describe('how long before the deploy errors are counted'),
    }),
    deployVerdictSchema,
    { timeoutMs: 18_000 },
  ),
};

export const changes = {
  'deploy.switch': mutate(
    'Make another release of a declared app the current one, and have it taken up.',
    'high',
    z.strictObject({ app: appNameSchema, to: releaseNameSchema }),
    { timeoutMs: 120_000, undoable: true },
  ),
  'deploy.pull': mutate(
    'Make a release of a declared app from an allowed branch, tag or commit, and switch to it.',
    'high',
    z.strictObject({ app: appNameSchema, ref: refSchema }),
    { timeoutMs: 600_000, undoable: true },
  ),
};
