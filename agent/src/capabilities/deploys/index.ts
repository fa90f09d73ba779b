/** The code behind `protocol/src/capabilities/deploys.ts`. */
import type { Observers } from '../capability.ts';
import { deploy } from './deploy.ts';
import { verifyDeploy } from './verify.ts';

export const diagnostics = { deploy } satisfies Partial<Observers>;
export const probes = { 'deploy.verify': verifyDeploy } satisfies Partial<Observers>;
export const changes = {};
