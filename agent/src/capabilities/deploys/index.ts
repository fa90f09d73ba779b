/** The code behind `protocol/src/capabilities/deploys.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { deploy } from './deploy.ts';
import { deployState } from './deploy-state.ts';
import { pullRelease } from './pull-release.ts';
import { switchRelease } from './switch-release.ts';
import { verifyDeploy } from './verify.ts';

export const diagnostics = { deploy } satisfies Partial<Observers>;
export const probes = { 'deploy.state': deployState, 'deploy.verify': verifyDeploy } satisfies Partial<Observers>;
export const changes = { 'deploy.switch': switchRelease, 'deploy.pull': pullRelease } satisfies Partial<Changers>;
