import { capability, durationMs, fault, type ParametersOf } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { count, sayBytes } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { DOCKER_ENVIRONMENT } from './ask-docker.ts';
import { readContainers } from './read-containers.ts';
import { type Image, readImages, referencesOf, sayImage, unusedImages } from './read-images.ts';

const NAMED = 15;
/** So many names stand in one call, and in all calls together; what is over stays for another time. */
const CALL_NAMES = 50;
const NAMES_MAX = 500;
const HOUR_MS = 3_600_000;

const memorySchema = z.object({
  images: z.array(
    z.object({ id: z.string(), tags: z.array(z.string()), digests: z.array(z.string()), bytes: z.number() }),
  ),
});
type Doomed = Pick<Image, 'id' | 'tags' | 'digests' | 'bytes'>;

/**
 * Deletes images that no container uses, those that were shown and no other: `docker image prune` would take whatever is unused by
 * then, and tags of images that are in use. What was deleted is remembered by digest, so that people can fetch it again.
 */
export const dockerPrune: Changer<'docker.prune'> = {
  predictable: true,
  async preview(parameters, context) {
    const { images, left } = await doomed(parameters, context);
    return {
      preview: {
        argv: argvOf(images, parameters),
        diff: null,
        effects: effectsOf(images, left, parameters),
        undo: null,
      },
      witness: [
        {
          subject: 'docker images',
          property: 'unused',
          value: sha256(
            images
              .map(({ id }) => id)
              .sort()
              .join('\n'),
          ),
        },
      ],
    };
  },
  async remember(parameters, context) {
    const { images } = await doomed(parameters, context);
    return {
      images: images.map(({ id, tags, digests, bytes }) => ({ id, tags: [...tags], digests: [...digests], bytes })),
    };
  },
  async perform(parameters, memory, context) {
    const { images } = memorySchema.parse(memory);
    const argv = argvOf(images, parameters);
    if (JSON.stringify(argv) !== JSON.stringify(argvOf((await doomed(parameters, context)).images, parameters)))
      throw fault('precondition_failed', { reason: 'other images are without a container by now' });
    for (const image of images) context.onOutput(`${sayImage(image)}: ${howToFetch(image)}\n`);
    const { timeoutMs } = capability('docker.prune');
    const calls = await runCalls(context, argv, { timeoutMs, env: DOCKER_ENVIRONMENT });
    const { gone, sentence } = await whatIsGone(context, images);
    return resultOfCalls(calls, gone > 0 || parameters.builder, sentence);
  },
  async recover(parameters, memory, context) {
    const { images } = memorySchema.parse(memory);
    const ended = await recoverCalls(context, argvOf(images, parameters).length);
    if (ended === null) return null;
    const { sentence } = await whatIsGone(context, images);
    return recoveredResult(ended, sentence);
  },
};

type Parameters = ParametersOf<'docker.prune'>;

/** Docker takes hours, minutes and seconds, and no days. */
function argvOf(images: readonly Doomed[], { until, builder }: Pick<Parameters, 'until' | 'builder'>): string[][] {
  const ms = durationMs(until);
  const filter = `until=${ms % HOUR_MS === 0 ? `${ms / HOUR_MS}h` : `${ms / 1000}s`}`;
  const names = images.flatMap(referencesOf);
  const calls = Array.from({ length: Math.ceil(names.length / CALL_NAMES) }, (_, call) => call * CALL_NAMES);
  return [
    ...calls.map((from) => ['docker', 'image', 'rm', '--', ...names.slice(from, from + CALL_NAMES)]),
    ...(builder ? [['docker', 'builder', 'prune', '--force', '--filter', filter]] : []),
  ];
}

/** The biggest first; `left` is how many more there are than one action takes. */
async function doomed(
  { until }: Parameters,
  context: ObserveContext,
): Promise<{ readonly images: readonly Image[]; readonly left: number }> {
  const { containers, more } = await readContainers(context);
  if (more)
    throw fault('precondition_failed', { reason: 'there are too many containers to tell which images they use' });
  const { images } = await readImages(context);
  const unused = unusedImages(images, containers, context.clock.now() - durationMs(until));
  let names = 0;
  const taken = unused.filter((image) => {
    names += referencesOf(image).length;
    return names <= NAMES_MAX;
  });
  return { images: taken, left: unused.length - taken.length };
}

function effectsOf(images: readonly Image[], left: number, { until, builder }: Parameters): string[] {
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0);
  const lost = images.filter(({ digests }) => digests.length === 0);
  const names = images.slice(0, NAMED).map((image) => `${sayImage(image)} (${sayBytes(image.bytes)})`);
  const rest = images.length > NAMED ? `, and ${images.length - NAMED} more` : '';
  const effects =
    images.length === 0
      ? [`No image older than ${until} is without a container: none is deleted.`]
      : [
          `${count(images.length, 'image')} older than ${until} that no container uses, running or not, are deleted: up to ${sayBytes(bytes)} become free.`,
          `${names.join(', ')}${rest}.`,
        ];
  if (lost.length > 0)
    effects.push(
      `${count(lost.length, 'image')} of them came from no registry and cannot be fetched again: ${lost.slice(0, NAMED).map(sayImage).join(', ')}.`,
    );
  if (left > 0) effects.push(`${count(left, 'further image')} of that kind stay for another time.`);
  if (builder) effects.push(`Build cache older than ${until} is deleted; the next build takes longer.`);
  return [...effects, 'Volumes, containers and networks stay.'].map((effect) => effect.slice(0, 500));
}

function howToFetch({ id, digests }: Pick<Image, 'id' | 'digests'>): string {
  const [digest] = digests;
  return digest === undefined ? `${id}, from no registry` : `${id}, to be fetched again with docker pull ${digest}`;
}

async function whatIsGone(
  context: ObserveContext,
  before: readonly Pick<Image, 'id' | 'tags' | 'bytes'>[],
): Promise<{ readonly gone: number; readonly sentence: string }> {
  const { images } = await readImages(context);
  const left = new Set(images.map(({ id }) => id));
  const gone = before.filter(({ id }) => !left.has(id));
  const bytes = gone.reduce((sum, image) => sum + image.bytes, 0);
  const names = gone.slice(0, NAMED).map(sayImage).join(', ');
  return {
    gone: gone.length,
    sentence:
      gone.length === 0
        ? 'no image was deleted.'
        : `${count(gone.length, 'image')} with up to ${sayBytes(bytes)} deleted: ${names}.`,
  };
}
