/** The code behind `protocol/src/capabilities/containers.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { compose } from './compose.ts';
import { composeState, containerState, dockerUsage } from './container-state.ts';
import { docker } from './docker.ts';

export const diagnostics = { docker, compose } satisfies Partial<Observers>;
export const probes = {
  'container.state': containerState,
  'compose.state': composeState,
  'docker.usage': dockerUsage,
} satisfies Partial<Observers>;
export const changes = {} satisfies Partial<Changers>;
