/** The code behind `protocol/src/capabilities/host.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { readBootState } from './boot-state.ts';
import { hostReboot } from './reboot.ts';

export const diagnostics = {};
export const probes = { 'host.boot': async (_, context) => readBootState(context) } satisfies Partial<Observers>;
export const changes = { 'host.reboot': hostReboot } satisfies Partial<Changers>;
