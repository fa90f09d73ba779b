import { capability, fault, type StepResult, type WitnessFact } from '@countersign/protocol';
import { z } from 'zod';
import { ownContainerId } from '../../host/own-container.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { sayDuration } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { DOCKER_ENVIRONMENT } from './ask-docker.ts';
import { composeOf } from './compose-labels.ts';
import { readContainerLog } from './container-log.ts';
import { type Container, findContainer, requireContainer, shortId } from './read-containers.ts';

const memorySchema = z.object({ id: z.string(), name: z.string(), up: z.boolean() });

/** How long a program has to end by itself before it is killed. */
const GRACE = ['-t', '20'];
const LOG_LINES = 30;

/** Restarts one container. By its id, so that no other that takes its name meanwhile is meant. */
export const containerRestart: Changer<'container.restart'> = {
  predictable: true,
  undoAgain: true,
  async preview({ container: name, id }, context) {
    const container = await requireOther(context, name, id);
    return {
      preview: {
        argv: [restartArgv(container)],
        diff: null,
        effects: effectsOf(container, context.clock.now()),
        undo: isUp(container) ? 'The container is started again if it is down.' : 'The container is stopped again.',
      },
      witness: containerWitness(container),
    };
  },
  async remember({ container: name, id }, context) {
    const container = await requireOther(context, name, id);
    return { id: container.id, name, up: isUp(container) };
  },
  async perform({ container: name, id }, _, context) {
    const container = await requireOther(context, name, id);
    return start(context, name, restartArgv(container));
  },
  async undo(_, memory, context) {
    const { id, name, up } = memorySchema.parse(memory);
    const now = await findContainer(context, name);
    if (now === null || now.id !== id)
      return { changed: false, exit_code: 1, summary: `The container ${name} is not there any more.` };
    if (isUp(now) === up) return { changed: false, exit_code: 0, summary: `${sayNow(now)} As it was before.` };
    return start(context, name, up ? ['docker', 'start', '--', id] : ['docker', 'stop', ...GRACE, '--', id]);
  },
  async recover({ container: name }, _, context) {
    const ended = await recoverCalls(context, 1);
    return ended && recoveredResult(ended, sayNow(await findContainer(context, name)));
  },
};

/** Running, or about to be started again by Docker: whatever moment it is met in, it is the same for us. */
const isUp = ({ running, status }: Container) => running || status === 'restarting';

const restartArgv = ({ id }: Container) => ['docker', 'restart', ...GRACE, '--', id];

/** Whoever runs this agent is not restarted by it: it would end in the middle of its own work. */
export function requireNotOwn(container: Container): void {
  if (container.id !== ownContainerId()) return;
  throw fault('precondition_failed', { reason: `${container.name} is the container that the agent itself runs in` });
}

async function requireOther(context: ObserveContext, name: string, id: string | undefined): Promise<Container> {
  const container = await requireContainer(context, name, id);
  requireNotOwn(container);
  return container;
}

/** Facts that tell whether a container is still what it was. By its project too the server's policy may deny it. */
export function containerWitness(container: Container): WitnessFact[] {
  const subject = `container ${container.name}`;
  const compose = composeOf(container);
  return [
    { subject, property: 'id', value: container.id },
    { subject, property: 'state', value: isUp(container) ? 'up' : 'down' },
    ...(compose === null
      ? []
      : [{ subject: `project ${compose.project}`, property: 'service', value: compose.service }]),
  ];
}

function effectsOf(container: Container, now: number): string[] {
  const { name, image, startedAt, health } = container;
  const compose = composeOf(container);
  const since = startedAt === null ? '' : `, up for ${sayDuration(now - startedAt)}`;
  return [
    isUp(container)
      ? `Container ${name} (${shortId(container)}, image ${image}${since}) is stopped, killed after 20 seconds if need be, and started again; its connections are cut off.`
      : `Container ${name} (${shortId(container)}, image ${image}) does not run (${container.status}) and is started.`,
    ...(compose === null ? [] : [`It is service ${compose.service} of the Compose project ${compose.project}.`]),
    health === 'none'
      ? 'It has no health check, so only that it keeps running can be verified.'
      : 'Its health check has to say that it is well.',
  ].map((effect) => effect.slice(0, 500));
}

async function start(context: ChangeContext, name: string, argv: readonly string[]): Promise<StepResult> {
  const { timeoutMs } = capability('container.restart');
  const calls = await runCalls(context, [argv], { timeoutMs, env: DOCKER_ENVIRONMENT });
  const now = await findContainer(context, name);
  if (now === null || !now.running) await showLog(context, name);
  return resultOfCalls(calls, true, sayNow(now));
}

/** The container's last lines, for whoever watches a step that failed. */
export async function showLog(context: ChangeContext, name: string): Promise<void> {
  const { lines } = await readContainerLog(context, { container: name, lines: LOG_LINES });
  if (lines.length > 0) context.onOutput(`\nLast lines of ${name}:\n${lines.join('\n')}\n`);
}

function sayNow(container: Container | null): string {
  if (container === null) return 'the container is not there any more.';
  const { name, status, health } = container;
  return `${name} is ${status}${health === 'none' ? '' : ` (${health})`}.`;
}
