/** Projects of Compose, found by the labels of their containers, and asking Compose about them. Source: docker-compose(1). */
import { fault } from '@countersign/protocol';
import type { Executed } from '../../host/execution.ts';
import { readSoftware } from '../../host/software.ts';
import type { ObserveContext } from '../capability.ts';
import { DOCKER_ENVIRONMENT } from './ask-docker.ts';
import { type ComposeLabels, composeOf, labelFilters, withoutImageLabels } from './compose-labels.ts';
import { type Container, readContainers } from './read-containers.ts';
import { readImageLabels } from './read-images.ts';

export interface Project {
  readonly name: string;
  /** Where its files are; `null` where no container tells. */
  readonly folder: string | null;
  readonly files: readonly string[];
  readonly environmentFile: string | null;
  readonly members: readonly Member[];
}

/** A container of a project. */
export interface Member {
  readonly container: Container;
  readonly compose: ComposeLabels;
}

const COMPOSE_MS = 8000;

/**
 * All projects with a container on this server, or the one of this name, by name. A container has the labels of its image too:
 * by those alone none belongs to a project, and none tells where files are, or whoever made an image could name them.
 */
export async function readProjects(context: ObserveContext, project?: string): Promise<Project[]> {
  const filters = project === undefined ? ['label=com.docker.compose.project'] : labelFilters(project);
  const { containers } = await readContainers(context, filters);
  const ofImages = await readImageLabels(context, [...new Set(containers.map(({ imageId }) => imageId))]);
  const members = containers.flatMap((container) => {
    const compose = composeOf(withoutImageLabels(container, ofImages.get(container.imageId)));
    return compose?.configHash == null ? [] : [{ container, compose }];
  });
  return [...Map.groupBy(members, ({ compose }) => compose.project)]
    .map(([name, own]) => projectOf(name, own))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where it lies is what the newest container says: the older ones may be from before a move. */
function projectOf(name: string, members: readonly Member[]): Project {
  const newest = members.toSorted((a, b) => (b.container.startedAt ?? 0) - (a.container.startedAt ?? 0));
  const told = newest.find(({ compose }) => compose.folder !== null && compose.files.length > 0)?.compose;
  return {
    name,
    folder: told?.folder ?? null,
    files: told?.files ?? [],
    environmentFile: told?.environmentFile ?? null,
    members,
  };
}

/** The beginning of every call of Compose: its plugin for docker, or the program of its own that v1 was; `null` without any. */
export async function composeProgram(context: ObserveContext): Promise<readonly string[] | null> {
  const plugin = ['docker', 'compose'];
  const argv = [...plugin, 'version'];
  const { signal } = context;
  const done = await context.exec({ argv, env: DOCKER_ENVIRONMENT, timeoutMs: COMPOSE_MS, signal });
  if (done.exitCode === 0) return plugin;
  // Not asked for its version: v1 takes a while for that.
  return readSoftware().includes('compose') ? ['docker-compose'] : null;
}

/** @throws Fault `capability_failed` where Compose is not installed. */
export async function requireCompose(context: ObserveContext): Promise<readonly string[]> {
  const program = await composeProgram(context);
  if (program === null)
    throw fault('capability_failed', { capability: 'compose', reason: 'Docker Compose is not installed' });
  return program;
}

/** One call of Compose for a project, with its own files wherever it is called from. */
export function composeArgv(program: readonly string[], project: Project, args: readonly string[]): string[] {
  const { name, folder, files, environmentFile } = project;
  return [
    ...program,
    ...['--project-name', name],
    ...(folder === null ? [] : ['--project-directory', folder]),
    ...files.flatMap((file) => ['--file', file]),
    ...(environmentFile === null ? [] : ['--env-file', environmentFile]),
    ...args,
  ];
}

export function runCompose(
  context: ObserveContext,
  program: readonly string[],
  project: Project,
  args: readonly string[],
): Promise<Executed> {
  const argv = composeArgv(program, project, args);
  return context.exec({ argv, env: DOCKER_ENVIRONMENT, timeoutMs: COMPOSE_MS, signal: context.signal });
}

/** What `config --hash "*"` prints: a service and the hash of what it is to be, a line each. */
export function parseHashes(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, service, hash] = /^(\S+) ([0-9a-f]{64})$/.exec(line.trim()) ?? [];
      return service === undefined || hash === undefined ? [] : [[service, hash]];
    }),
  );
}
