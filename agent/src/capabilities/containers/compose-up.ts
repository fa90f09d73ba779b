import { capability, fault, type ParametersOf, type WitnessFact } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import { roomOf } from '../../host/mounts.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { count, sayBytes } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { askDocker, DOCKER_ENVIRONMENT, jsonLines } from './ask-docker.ts';
import { composeArgv, type Member, type Project, readProjects, requireCompose } from './compose-project.ts';
import { requireService } from './compose-service.ts';
import { containerWitness, requireNotOwn, showLog } from './container-restart.ts';
import { findImage, sayImage } from './read-images.ts';

type Parameters = ParametersOf<'compose.up'>;

const memorySchema = z.object({
  /** Calls that take it back, found out beforehand: afterwards the old containers tell nothing any more. */
  back: z.array(z.array(z.string())),
  processes: z.int(),
});

const ROOM_MIN_BYTES = 2_000_000_000;
const CALL_OPTIONS = { timeoutMs: capability('compose.up').timeoutMs, env: DOCKER_ENVIRONMENT } as const;

/** One service of a project as it is now, and what its file says of it. */
interface Target {
  readonly program: readonly string[];
  readonly project: Project;
  readonly service: string;
  readonly members: readonly Member[];
  /** The image that the file names for it. */
  readonly image: string;
  /** What that name leads to now, `sha256:…`; `null` when it is not on the server. */
  readonly imageId: string | null;
  /** SHA-256 of what Compose makes of the file and its variables. */
  readonly config: string;
}

/** Makes the containers of a service anew. Taken back, they run the image again that they ran before. */
export const composeUp: Changer<'compose.up'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const target = await targetOf(parameters, context);
    await requireRoom(context);
    return {
      preview: {
        argv: argvOf(target, parameters),
        diff: null,
        effects: (await effectsOf(target, parameters, context)).map((effect) => effect.slice(0, 500)),
        undo: undoWords(target),
      },
      witness: witnessOf(target),
    };
  },
  async remember(parameters, context) {
    const target = await targetOf(parameters, context);
    return { back: backArgv(target), processes: argvOf(target, parameters).length };
  },
  async perform(parameters, _, context) {
    const target = await targetOf(parameters, context);
    const calls = await runCalls(context, argvOf(target, parameters), CALL_OPTIONS);
    if (calls.last?.exitCode !== 0) await showLogs(parameters, context);
    return resultOfCalls(calls, true, await sayNow(parameters, context));
  },
  async undo(parameters, memory, context) {
    const { back } = memorySchema.parse(memory);
    const calls = await runCalls(context, back, CALL_OPTIONS);
    return resultOfCalls(calls, true, await sayNow(parameters, context));
  },
  async recover(parameters, memory, context) {
    const ended = await recoverCalls(context, memorySchema.parse(memory).processes);
    return ended && recoveredResult(ended, await sayNow(parameters, context));
  },
};

/** @throws Fault `precondition_failed` with what is not as it has to be. */
async function targetOf(
  { project: name, service, image: wanted }: Parameters,
  context: ObserveContext,
): Promise<Target> {
  const [project] = await readProjects(context, name);
  if (project === undefined || project.files.length === 0)
    throw fault('precondition_failed', {
      reason: `no container of project ${name} is on the server to tell where its Compose file is`,
    });
  const program = await requireCompose(context);
  const { image, config } = await requireService(context, program, project, service);
  const members = project.members.filter(({ compose }) => compose.service === service);
  for (const { container } of members) requireNotOwn(container);
  if (wanted !== undefined && (await findImage(context, `sha256:${wanted}`)) === null)
    throw fault('precondition_failed', { reason: `there is no image sha256:${wanted.slice(0, 12)} on the server` });
  if (wanted !== undefined && image.includes('@'))
    throw fault('precondition_failed', { reason: `the file pins ${image}, so no other image can be put in its place` });
  const imageId = (await findImage(context, image))?.id ?? null;
  return { program, project, service, members, image, imageId, config };
}

/** Docker needs room for the new containers, and for an image that is fetched. */
async function requireRoom(context: ObserveContext): Promise<void> {
  const [answer] = jsonLines(await askDocker(context, ['info', '--format', '{{json .DockerRootDir}}']));
  const folder = z.string().safeParse(answer);
  if (!folder.success) return;
  const { bytesFree } = roomOf(folder.data);
  if (bytesFree < ROOM_MIN_BYTES)
    throw fault('precondition_failed', {
      reason: `only ${sayBytes(bytesFree)} are free at ${folder.data}, and ${sayBytes(ROOM_MIN_BYTES)} have to be`,
    });
}

const compose = ({ program, project }: Target, args: readonly string[]) => composeArgv(program, project, args);

/** It never builds: what is built is made from sources that nobody approved here. */
const upArgv = (target: Target) =>
  compose(target, ['up', '--detach', '--no-deps', '--no-build', '--force-recreate', target.service]);

function argvOf(target: Target, { pull, image }: Parameters): string[][] {
  return [
    ...(pull ? [compose(target, ['pull', target.service])] : []),
    ...(image === undefined ? [] : [['docker', 'tag', '--', `sha256:${image}`, target.image]]),
    upArgv(target),
  ];
}

const newestOf = ({ members }: Target) =>
  members.toSorted((a, b) => (b.container.startedAt ?? 0) - (a.container.startedAt ?? 0))[0]?.container ?? null;

/** The image that the newest of its containers runs. */
const ranImage = (target: Target) => newestOf(target)?.imageId ?? null;

/** Where the name in the file leads afterwards, where it is another one than its containers were made by: to what it led to. */
function lentName(target: Target): string | null {
  const newest = newestOf(target);
  return newest === null || newest.image === target.image ? null : target.imageId;
}

function backArgv(target: Target): string[][] {
  const image = ranImage(target);
  if (image === null) return [compose(target, ['rm', '--stop', '--force', target.service])];
  const pinned = target.image.includes('@');
  if (pinned) return [upArgv(target)];
  const lent = lentName(target);
  const tag = (id: string) => ['docker', 'tag', '--', id, target.image];
  return [tag(image), upArgv(target), ...(lent === null ? [] : [tag(lent)])];
}

function undoWords(target: Target): string {
  const image = ranImage(target);
  if (image === null) return 'The new containers are stopped and removed again.';
  const lent = lentName(target);
  const then = lent === null ? '' : ` Then that name leads to ${shortImage(lent)} again.`;
  return `${target.image} leads to ${shortImage(image)}, which runs now, and the containers are made anew from it.${then} What was changed in the Compose file stays.`;
}

const shortImage = (id: string) => id.replace(/^sha256:/, '').slice(0, 12);

async function effectsOf(target: Target, { pull, image }: Parameters, context: ObserveContext): Promise<string[]> {
  const { members, project, service } = target;
  const ran = ranImage(target);
  const next = image === undefined ? target.imageId : `sha256:${image}`;
  const chosen = next === null ? null : await findImage(context, next);
  return [
    members.length === 0
      ? `Service ${service} of ${project.name} has no container; its containers are made and started.`
      : `${count(members.length, 'container')} of ${service} (${members.map(({ container }) => container.name).join(', ')}) are stopped, removed and made anew as ${project.files.join(', ')} says now; their connections are cut off.`,
    pull
      ? `The image is fetched first, so which one will run is known only then. ${ran === null ? '' : `Now it is ${shortImage(ran)}.`}`
      : chosen === null
        ? `The image ${target.image} is not on the server and is fetched.`
        : `They run ${sayImage(chosen)} (${shortImage(chosen.id)})${chosen.id === ran ? ', as now' : ran === null ? '' : `; now they run ${shortImage(ran)}`}.`,
    'Services that it depends on, volumes and networks stay as they are.',
  ];
}

function witnessOf({ project, service, members, image, imageId, config }: Target): WitnessFact[] {
  const subject = `project ${project.name}`;
  return [
    { subject, property: 'service', value: service },
    { subject, property: 'config', value: config },
    { subject: `image ${image}`, property: 'id', value: imageId },
    ...members.slice(0, 20).flatMap(({ container }) => containerWitness(container)),
    {
      subject,
      property: 'containers',
      value: sha256(
        members
          .map(({ container }) => container.id)
          .sort()
          .join('\n'),
      ),
    },
  ];
}

async function membersNow({ project: name, service }: Parameters, context: ObserveContext): Promise<readonly Member[]> {
  const [project] = await readProjects(context, name);
  return (project?.members ?? []).filter(({ compose: labels }) => labels.service === service);
}

async function showLogs(parameters: Parameters, context: ChangeContext): Promise<void> {
  for (const { container } of (await membersNow(parameters, context)).slice(0, 3))
    await showLog(context, container.name);
}

async function sayNow(parameters: Parameters, context: ObserveContext): Promise<string> {
  const members = await membersNow(parameters, context);
  if (members.length === 0) return `${parameters.service} has no container.`;
  return members
    .slice(0, 5)
    .map(({ container }) => `${container.name} is ${container.status}, image ${shortImage(container.imageId)}.`)
    .join(' ');
}
