/** Containers as Docker tells of them. Only the named fields are asked for: the rest holds environments with their secrets. */
import { fault, type Health } from '@countersign/protocol';
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { askDocker, dockerFailed, dockerTime, jsonLines, runDocker } from './ask-docker.ts';

export interface Container {
  readonly id: string;
  readonly name: string;
  /** As it was asked for: `shop/web:latest`. */
  readonly image: string;
  /** `sha256:…` */
  readonly imageId: string;
  /** created, running, paused, restarting, removing, exited or dead. */
  readonly status: string;
  /** Running, and not between two attempts. */
  readonly running: boolean;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  readonly error: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly health: Health;
  /** What the health check said last. */
  readonly healthSaid: string;
  readonly healthFailures: number;
  /** How often Docker started it again by itself. */
  readonly restarts: number;
  /** no, always, unless-stopped or on-failure. */
  readonly restartPolicy: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The most containers that are looked at. */
export const CONTAINERS_MAX = 200;

const FORMAT = `{${[
  '"id":{{json .Id}}',
  '"name":{{json .Name}}',
  '"image":{{json .Config.Image}}',
  '"image_id":{{json .Image}}',
  '"restarts":{{json .RestartCount}}',
  '"policy":{{json .HostConfig.RestartPolicy.Name}}',
  '"labels":{{json .Config.Labels}}',
  '"state":{{json .State}}',
].join(',')}}`;

const healthLogSchema = z.object({ Output: z.string() });
const inspectedSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    image: z.string(),
    image_id: z.string(),
    restarts: z.int(),
    policy: z.string(),
    labels: z.record(z.string(), z.string()).nullable(),
    state: z.object({
      Status: z.string(),
      Running: z.boolean(),
      Paused: z.boolean(),
      Restarting: z.boolean(),
      OOMKilled: z.boolean(),
      ExitCode: z.int(),
      Error: z.string(),
      StartedAt: z.string(),
      FinishedAt: z.string(),
      Health: z
        .object({ Status: z.string(), FailingStreak: z.int(), Log: z.array(healthLogSchema).nullable() })
        .nullish(),
    }),
  })
  .transform(({ state, ...rest }): Container => {
    const health = state.Health?.Status;
    return {
      id: rest.id,
      name: rest.name.replace(/^\//, ''),
      image: rest.image,
      imageId: rest.image_id,
      status: state.Status,
      running: state.Running && !state.Restarting && !state.Paused,
      exitCode: state.ExitCode,
      outOfMemory: state.OOMKilled,
      error: state.Error,
      startedAt: dockerTime(state.StartedAt),
      endedAt: dockerTime(state.FinishedAt),
      health: health === 'healthy' || health === 'unhealthy' || health === 'starting' ? health : 'none',
      healthSaid: state.Health?.Log?.at(-1)?.Output ?? '',
      healthFailures: state.Health?.FailingStreak ?? 0,
      restarts: rest.restarts,
      restartPolicy: rest.policy === '' ? 'no' : rest.policy,
      labels: rest.labels ?? {},
    };
  });

/** All containers, those that do not run too, or those that fit a filter of docker-ps(1). `more`: some were left out. */
export async function readContainers(
  context: ObserveContext,
  filters: readonly string[] = [],
): Promise<{ readonly containers: readonly Container[]; readonly more: boolean }> {
  const which = filters.flatMap((filter) => ['--filter', filter]);
  const ids = (await askDocker(context, ['ps', '--all', '--quiet', '--no-trunc', ...which])).trim().split('\n');
  const asked = ids.filter((id) => id !== '');
  return { containers: await inspect(context, asked.slice(0, CONTAINERS_MAX)), more: asked.length > CONTAINERS_MAX };
}

/** The container of exactly this name, or `null`. An id that happens to fit is none. */
export async function findContainer(context: ObserveContext, name: string): Promise<Container | null> {
  const found = await inspect(context, [name]);
  return found.find((container) => container.name === name) ?? null;
}

/** @throws Fault `precondition_failed` when there is none, or its id is not the one that is meant. */
export async function requireContainer(context: ObserveContext, name: string, id?: string): Promise<Container> {
  const container = await findContainer(context, name);
  if (container === null) throw fault('precondition_failed', { reason: `there is no container ${name} on the server` });
  if (id !== undefined && container.id !== id)
    throw fault('precondition_failed', {
      reason: `${name} is another container now (${shortId(container)} instead of ${id.slice(0, 12)})`,
    });
  return container;
}

/** The 12 digits by which people know a container. */
export const shortId = ({ id }: Pick<Container, 'id'>): string => id.slice(0, 12);

/** Containers that went away meanwhile are left out. */
async function inspect(context: ObserveContext, names: readonly string[]): Promise<Container[]> {
  if (names.length === 0) return [];
  const done = await runDocker(context, ['container', 'inspect', '--format', FORMAT, '--', ...names]);
  if (done.exitCode !== 0 && !/no such container/i.test(done.stderr)) throw dockerFailed(done);
  return parseContainers(done.stdout);
}

/** What `docker container inspect` printed, a JSON object a line. Lines of another form are left out. */
export function parseContainers(text: string): Container[] {
  return jsonLines(text).flatMap((line) => {
    const parsed = inspectedSchema.safeParse(line);
    return parsed.success ? [parsed.data] : [];
  });
}
