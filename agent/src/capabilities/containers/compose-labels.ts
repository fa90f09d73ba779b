/** What Compose writes on each container that it makes. The same in v1 and v2. Source: compose-spec, docker/compose `labels.go`. */
import { composeServiceSchema, pathSchema, projectSchema } from '@countersign/protocol';
import { z } from 'zod';
import type { Container } from './read-containers.ts';

const PREFIX = 'com.docker.compose.';

/** Filters of docker-ps(1) for the containers of a project, or of one service of it. */
export function labelFilters(project: string, service?: string): string[] {
  const ofService = service === undefined ? [] : [`label=${PREFIX}service=${service}`];
  return [`label=${PREFIX}project=${project}`, ...ofService];
}

export interface ComposeLabels {
  readonly project: string;
  readonly service: string;
  /** What the service was when the container was made; `null` where it is not told. */
  readonly configHash: string | null;
  /** The folder and files it was made from, absolute; `null` where they are not told. */
  readonly folder: string | null;
  readonly files: readonly string[];
  readonly environmentFile: string | null;
}

const schema = z
  .object({
    [`${PREFIX}project`]: projectSchema,
    [`${PREFIX}service`]: composeServiceSchema,
    [`${PREFIX}config-hash`]: z.string().optional(),
    [`${PREFIX}project.working_dir`]: pathSchema.optional().catch(undefined),
    [`${PREFIX}project.config_files`]: z.string().optional(),
    [`${PREFIX}project.environment_file`]: z.string().optional(),
    [`${PREFIX}oneoff`]: z.string().optional(),
  })
  .loose();

/** What the labels say; `null` for a container that belongs to no project, or was run once by hand for one. */
export function composeOf({ labels }: Pick<Container, 'labels'>): ComposeLabels | null {
  const parsed = schema.safeParse(labels);
  if (!parsed.success) return null;
  const label = (name: string) => {
    const value = parsed.data[`${PREFIX}${name}`];
    return typeof value === 'string' ? value : undefined;
  };
  if (label('oneoff')?.toLowerCase() === 'true') return null;
  const folder = label('project.working_dir') ?? null;
  return {
    project: label('project') ?? '',
    service: label('service') ?? '',
    configHash: label('config-hash') ?? null,
    folder,
    files: pathsIn(label('project.config_files'), folder),
    environmentFile: pathsIn(label('project.environment_file'), folder)[0] ?? null,
  };
}

/** What Compose writes on containers and never on an image that it builds. */
const OF_CONTAINERS = ['config-hash', 'project.working_dir', 'project.config_files', 'project.environment_file'];

/** Labels without those of {@link OF_CONTAINERS} that may come from the image; all of them where nobody knows what it has. */
export function withoutImageLabels(
  { labels }: Pick<Container, 'labels'>,
  image: Readonly<Record<string, string>> | undefined,
): Pick<Container, 'labels'> {
  const foreign = OF_CONTAINERS.map((name) => PREFIX + name).filter(
    (name) => image === undefined || Object.hasOwn(image, name),
  );
  return { labels: Object.fromEntries(Object.entries(labels).filter(([name]) => !foreign.includes(name))) };
}

/** v1 names files as they were given, from the folder; v2 names them from the root. */
function pathsIn(list: string | undefined, folder: string | null): string[] {
  return (list ?? '').split(',').flatMap((path) => {
    if (path === '') return [];
    const parsed = pathSchema.safeParse(path.startsWith('/') ? path : `${folder}/${path}`);
    return parsed.success ? [parsed.data] : [];
  });
}
