/** State of one container as Docker tells it. Source: docker-inspect(1), ContainerState of the Engine API. */

import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { parsedJson } from '../parsed-json.ts';

const inspectedSchema = z.object({
  State: z.object({
    Status: z.string(),
    StartedAt: z.string().optional(),
    Health: z.object({ Status: z.string() }).optional(),
  }),
  Image: z.string().default(''),
});

export interface ContainerState {
  readonly status: string;
  /** `healthy`, `unhealthy`, `starting`; `null` where the image declares no health check. */
  readonly health: string | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number | null;
  /** Digest of the image it runs. */
  readonly image: string;
}

/** `null` when there is no such container, or why Docker could not be asked. */
export async function readContainerState(
  context: ObserveContext,
  name: string,
): Promise<{ readonly found: ContainerState | null; readonly blind: string | null }> {
  const argv = [
    'docker',
    'container',
    'inspect',
    '--format',
    '{"State":{{json .State}},"Image":{{json .Image}}}',
    '--',
    name,
  ];
  const done = await context.exec({ argv, timeoutMs: 8000, signal: context.signal });
  if (done.notStarted !== null) return { found: null, blind: 'docker is not installed' };
  if (done.exitCode !== 0) {
    if (/no such container/i.test(done.stderr)) return { found: null, blind: null };
    return { found: null, blind: 'Docker does not answer' };
  }
  const parsed = inspectedSchema.safeParse(parsedJson(done.stdout));
  if (!parsed.success) return { found: null, blind: 'Docker said something unexpected' };
  const { State: state, Image: image } = parsed.data;
  const startedAt = Date.parse(state.StartedAt ?? '');
  return {
    found: {
      status: state.Status,
      health: state.Health?.Status ?? null,
      startedAt: Number.isFinite(startedAt) && startedAt > 0 ? startedAt : null,
      image,
    },
    blind: null,
  };
}
