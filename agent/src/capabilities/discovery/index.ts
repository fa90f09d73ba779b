/** The code behind `protocol/src/capabilities/discovery.ts`. */
import type { Observers } from '../capability.ts';
import { discoverServices } from './discover.ts';

export const diagnostics = {};
export const probes = { 'discover.services': discoverServices } satisfies Partial<Observers>;
export const changes = {};
