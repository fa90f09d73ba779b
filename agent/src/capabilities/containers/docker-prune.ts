import { capability, durationMs, type ParametersOf } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { count, sayBytes } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { readContainers } from './read-containers.ts';
import { type Image, readImages, sayImage, unusedImages } from './read-images.ts';

const NAMED = 15;
const REMEMBERED = 200;
const HOUR_MS = 3_600_000;

const memorySchema = z.object({
  images: z.array(
    z.object({ id: z.string(), tags: z.array(z.string()), digests: z.array(z.string()), bytes: z.number() }),
  ),
});

/** Deletes images that no container uses. What was deleted is remembered by digest, so that people can fetch it again. */
export const dockerPrune: Changer<'docker.prune'> = {
  predictable: true,
  async preview(parameters, context) {
    const images = await doomed(parameters, context);
    return {
      preview: { argv: argvOf(parameters), diff: null, effects: effectsOf(images, parameters), undo: null },
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
    const images = await doomed(parameters, context);
    return {
      images: images.slice(0, REMEMBERED).map(({ id, tags, digests, bytes }) => ({
        id,
        tags: [...tags],
        digests: [...digests],
        bytes,
      })),
    };
  },
  async perform(parameters, memory, context) {
    const { images } = memorySchema.parse(memory);
    for (const image of images) context.onOutput(`${sayImage(image)}: ${howToFetch(image)}\n`);
    const timeoutMs = capability('docker.prune').timeoutMs;
    const calls = await runCalls(context, argvOf(parameters), { timeoutMs });
    const { gone, sentence } = await whatIsGone(context, images);
    return resultOfCalls(calls, gone > 0 || parameters.builder, sentence);
  },
  async recover(parameters, memory, context) {
    const ended = await recoverCalls(context, argvOf(parameters).length);
    if (ended === null) return null;
    const { sentence } = await whatIsGone(context, memorySchema.parse(memory).images);
    return recoveredResult(ended, sentence);
  },
};

/** Docker takes hours, minutes and seconds, and no days. */
function argvOf({ until, builder }: Pick<ParametersOf<'docker.prune'>, 'until' | 'builder'>): string[][] {
  const ms = durationMs(until);
  const filter = `until=${ms % HOUR_MS === 0 ? `${ms / HOUR_MS}h` : `${ms / 1000}s`}`;
  return [
    ['docker', 'image', 'prune', '--all', '--force', '--filter', filter],
    ...(builder ? [['docker', 'builder', 'prune', '--force', '--filter', filter]] : []),
  ];
}

async function doomed({ until }: ParametersOf<'docker.prune'>, context: ObserveContext): Promise<Image[]> {
  const { containers } = await readContainers(context);
  const { images } = await readImages(context);
  return unusedImages(images, containers, context.clock.now() - durationMs(until));
}

function effectsOf(images: readonly Image[], { until, builder }: ParametersOf<'docker.prune'>): string[] {
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
