/** Probes: small readings of containers for preconditions and checks. */
import { delay } from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { labelFilters } from './compose-labels.ts';
import { type Container, findContainer, readContainers } from './read-containers.ts';
import { readImages } from './read-images.ts';

const HEALTH_WAIT_MS = 25_000;
const AGAIN_MS = 250;

/** The state of one container. */
export const containerState: Observer<'container.state'> = async ({ container: name }, context) => {
  const [container] = await onceHealthSpoke(context, async () => {
    const found = await findContainer(context, name);
    return found === null ? [] : [found];
  });
  return {
    exists: container !== undefined,
    running: container?.running ?? false,
    status: container?.status ?? 'none',
    health: container?.health ?? 'none',
    restarts: container?.restarts ?? 0,
    id: container?.id ?? '',
    started_at: container?.startedAt == null ? null : new Date(container.startedAt).toISOString(),
  };
};

/** The containers of one service of a Compose project, taken together. */
export const composeState: Observer<'compose.state'> = async ({ project, service }, context) => {
  const filters = [...labelFilters(project, service), 'label=com.docker.compose.oneoff=False'];
  const containers = await onceHealthSpoke(context, async () => (await readContainers(context, filters)).containers);
  const running = containers.filter((container) => container.running).length;
  const unhealthy = containers.filter(({ health }) => health === 'unhealthy').length;
  return {
    containers: containers.length,
    running,
    unhealthy,
    restarts: containers.reduce((sum, { restarts }) => sum + restarts, 0),
    well: containers.length > 0 && running === containers.length && unhealthy === 0,
    ids: containers
      .map(({ id }) => id.slice(0, 12))
      .sort()
      .join(' '),
  };
};

/** What runs, and how many images there are. */
export const dockerUsage: Observer<'docker.usage'> = async (_, context) => {
  const { containers } = await readContainers(context);
  const { images } = await readImages(context);
  const running = containers.filter((container) => container.running);
  return {
    running: running.length,
    names: running
      .map(({ name }) => name)
      .sort()
      .join(' '),
    images: images.length,
  };
};

/** Reads again while a health check has not spoken yet, for as long as there is patience. */
async function onceHealthSpoke(
  context: ObserveContext,
  read: () => Promise<readonly Container[]>,
): Promise<readonly Container[]> {
  const end = context.clock.monotonic() + HEALTH_WAIT_MS;
  for (;;) {
    const containers = await read();
    const waiting = containers.some(({ running, health }) => running && health === 'starting');
    if (!waiting || context.clock.monotonic() >= end) return containers;
    await delay(context.clock, AGAIN_MS, context.signal);
  }
}
