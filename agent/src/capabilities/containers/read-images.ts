/** Images as Docker tells of them. Source: docker-image-inspect(1). */
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { askDocker, dockerFailed, dockerTime, jsonLines, runDocker } from './ask-docker.ts';

export interface Image {
  /** `sha256:…` */
  readonly id: string;
  readonly tags: readonly string[];
  /** `shop/web@sha256:…`: by these it can be fetched again; none for what was built or loaded here. */
  readonly digests: readonly string[];
  readonly createdAt: number | null;
  /** With layers that other images share. */
  readonly bytes: number;
}

const FORMAT =
  '{"id":{{json .Id}},"tags":{{json .RepoTags}},"digests":{{json .RepoDigests}},"created":{{json .Created}},"size":{{json .Size}}}';

const LABELS = '{"id":{{json .Id}},"labels":{{with .Config}}{{json .Labels}}{{else}}null{{end}}}';

const IMAGES_MAX = 500;

const inspectedSchema = z
  .object({
    id: z.string(),
    tags: z.array(z.string()).nullable(),
    digests: z.array(z.string()).nullable(),
    created: z.string().nullish(),
    size: z.number(),
  })
  .transform(
    ({ id, tags, digests, created, size }): Image => ({
      id,
      tags: tags ?? [],
      digests: digests ?? [],
      createdAt: dockerTime(created ?? ''),
      bytes: size,
    }),
  );

/** All images but the layers between them, biggest first. `more`: some were left out. */
export async function readImages(
  context: ObserveContext,
): Promise<{ readonly images: readonly Image[]; readonly more: boolean }> {
  const listed = await askDocker(context, ['image', 'ls', '--quiet', '--no-trunc']);
  const ids = [...new Set(listed.split('\n').filter((id) => id !== ''))];
  const images = await inspect(context, ids.slice(0, IMAGES_MAX));
  return { images: images.toSorted((a, b) => b.bytes - a.bytes), more: ids.length > IMAGES_MAX };
}

/** The image that a name or id leads to now, or `null`. */
export async function findImage(context: ObserveContext, reference: string): Promise<Image | null> {
  return (await inspect(context, [reference]))[0] ?? null;
}

const labelledSchema = z.object({ id: z.string(), labels: z.record(z.string(), z.string()).nullable() });

/** The labels of images by their ids; those that are not there are left out. */
export async function readImageLabels(
  context: ObserveContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const found = (await inspectLines(context, ids, LABELS)).flatMap((line) => {
    const parsed = labelledSchema.safeParse(line);
    return parsed.success ? [parsed.data] : [];
  });
  return new Map(found.map(({ id, labels }) => [id, labels ?? {}]));
}

/** The names by which all references to an image are taken away, and so the image; its id where it has none. */
export function referencesOf({ id, tags, digests }: Pick<Image, 'id' | 'tags' | 'digests'>): string[] {
  const tagged = new Set(tags.map((tag) => tag.replace(/:[^:/]*$/, '')));
  // With the last tag of a repository its digests go too.
  const references = [...tags, ...digests.filter((digest) => !tagged.has(digest.replace(/@.*$/, '')))];
  return references.length > 0 ? references : [id];
}

/** Images that no container uses, running or not, and that were made before `before` (milliseconds since 1970). */
export function unusedImages(
  images: readonly Image[],
  containers: readonly { readonly imageId: string }[],
  before: number,
): Image[] {
  const used = new Set(containers.map(({ imageId }) => imageId));
  return images.filter(({ id, createdAt }) => !used.has(id) && createdAt !== null && createdAt < before);
}

/** How people know an image: by its first tag, else by the beginning of its id. */
export function sayImage({ id, tags }: Pick<Image, 'id' | 'tags'>): string {
  return tags[0] ?? id.replace(/^sha256:/, '').slice(0, 12);
}

async function inspect(context: ObserveContext, references: readonly string[]): Promise<Image[]> {
  return (await inspectLines(context, references, FORMAT)).flatMap((line) => {
    const parsed = inspectedSchema.safeParse(line);
    return parsed.success ? [parsed.data] : [];
  });
}

/** Images that went away meanwhile are left out. */
async function inspectLines(
  context: ObserveContext,
  references: readonly string[],
  format: string,
): Promise<unknown[]> {
  if (references.length === 0) return [];
  const done = await runDocker(context, ['image', 'inspect', '--format', format, '--', ...references]);
  if (done.exitCode !== 0 && !/no such (image|object)/i.test(done.stderr)) throw dockerFailed(done);
  return jsonLines(done.stdout);
}
