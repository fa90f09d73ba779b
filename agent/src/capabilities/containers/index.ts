/** The code behind `protocol/src/capabilities/containers.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { compose } from './compose.ts';
import { composeUp } from './compose-up.ts';
import { containerRestart } from './container-restart.ts';
import { composeState, containerState, dockerUsage } from './container-state.ts';
import { docker } from './docker.ts';
import { dockerPrune } from './docker-prune.ts';

export const diagnostics = { docker, compose } satisfies Partial<Observers>;
export const probes = {
  'container.state': containerState,
  'compose.state': composeState,
  'docker.usage': dockerUsage,
} satisfies Partial<Observers>;
export const changes = {
  'container.restart': containerRestart,
  'compose.up': composeUp,
  'docker.prune': dockerPrune,
} satisfies Partial<Changers>;
