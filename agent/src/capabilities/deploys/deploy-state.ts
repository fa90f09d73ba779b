import type { Observer } from '../capability.ts';
import { appOf } from './app.ts';
import { readDeployment } from './releases.ts';

/** Which release is current, as preconditions and checks read it. */
export const deployState: Observer<'deploy.state'> = async ({ app }, context) => {
  const { current, previous, releases, problem } = readDeployment(appOf(app, context.localPolicy));
  return { current: current?.name ?? null, previous: previous?.name ?? null, releases: releases.length, problem };
};
