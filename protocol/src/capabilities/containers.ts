/** Containers of Docker, and projects of Compose. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import { diagnosticOptions, durationSchema, mutate, observe, sha256Schema } from './capability.ts';

/** The whole name of a container. Source: docker-run(1), daemon/names. */
export const containerNameSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]+$/, 'a container name such as shop_web_1');

/** Source: Compose specification, top-level `name`. */
export const projectSchema = z
  .string()
  .max(128)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a Compose project such as shop');

/** Source: Compose specification, `services`. */
export const composeServiceSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'a service of a Compose project such as web');

/** What Docker says of a container's health; `none` where it has no health check. */
export const healthSchema = z.enum(['none', 'starting', 'healthy', 'unhealthy']);
export type Health = z.infer<typeof healthSchema>;

const service = z.strictObject({ project: projectSchema, service: composeServiceSchema });

export const diagnostics = {
  docker: observe(
    'Containers that restart, fail their health check, ran out of memory or ended, and room that images take.',
    z.strictObject({}),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  compose: observe(
    'Projects of Docker Compose: their file, services that are down or unhealthy, and what differs from the file.',
    z.strictObject({ project: projectSchema.optional().describe('only this one') }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

/** How long a probe waits for a health check that has not spoken yet, and then some. */
const HEALTH_MS = 30_000;

export const probes = {
  'container.state': observe(
    'The state of a container; waits up to 25 s for a health check that has not spoken yet.',
    z.strictObject({ container: containerNameSchema }),
    z.object({
      exists: z.boolean(),
      running: z.boolean(),
      status: z.string(),
      health: healthSchema,
      restarts: z.int(),
      id: z.string(),
      started_at: z.string().nullable(),
    }),
    { timeoutMs: HEALTH_MS },
  ),
  'compose.state': observe(
    'How the containers of a service are; waits up to 25 s for health checks that have not spoken yet.',
    service,
    z.object({
      containers: z.int(),
      running: z.int(),
      unhealthy: z.int(),
      restarts: z.int(),
      /** Whether there is one at least, all run, and none is unhealthy. */
      well: z.boolean(),
      /** Ids of the containers, sorted. */
      ids: z.string(),
    }),
    { timeoutMs: HEALTH_MS },
  ),
  'docker.usage': observe(
    'How many containers run, and which.',
    z.strictObject({}),
    z.object({
      running: z.int(),
      /** Names of the running containers, sorted. */
      names: z.string(),
      images: z.int(),
    }),
  ),
};

export const changes = {
  'container.restart': mutate(
    'Restart a container, with 20 s to end by itself.',
    'medium',
    z.strictObject({
      container: containerNameSchema,
      id: sha256Schema.optional().describe('refuse when the name has come to mean another container'),
    }),
    { timeoutMs: 90_000, undoable: true },
  ),
  'compose.up': mutate(
    'Make the containers of a service anew, as its Compose file says, without those it depends on.',
    'high',
    z.strictObject({
      project: projectSchema,
      service: composeServiceSchema,
      pull: z.boolean().default(false).describe('fetch the image first'),
      image: sha256Schema.optional().describe('id of an image on the server that the service is to run'),
    }),
    { timeoutMs: 300_000, undoable: true },
  ),
  'docker.prune': mutate(
    'Delete images that no container uses, never volumes.',
    'medium',
    z.strictObject({
      until: durationSchema.default('168h').describe('only images made longer ago'),
      builder: z.boolean().default(false).describe('the build cache too'),
    }),
    { timeoutMs: 300_000 },
  ),
};
