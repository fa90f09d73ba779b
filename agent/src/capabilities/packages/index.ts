/** The code behind `protocol/src/capabilities/packages.ts`. */
import type { Observers } from '../capability.ts';
import { packages } from './packages.ts';

export const diagnostics = { packages } satisfies Partial<Observers>;
export const probes = {};
export const changes = {};
