/** The code behind `protocol/src/capabilities/nginx.ts`. */
import type { Observers } from '../capability.ts';
import { nginx } from './nginx.ts';
import { nginxTestProbe } from './nginx-test-probe.ts';

export const diagnostics = { nginx } satisfies Partial<Observers>;
export const probes = { 'nginx.test': nginxTestProbe } satisfies Partial<Observers>;
export const changes = {};
