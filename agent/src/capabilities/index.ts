/** What this agent can do: the code behind the capability table of protocol. */
import type { Observers } from './capability.ts';
import { diagnosticObservers } from './diagnose/index.ts';
import { probeObservers } from './probes.ts';
import { fileObservers } from './read-files.ts';

export { availableCapabilities } from './available.ts';
export type * from './capability.ts';
export { changers } from './change/index.ts';

export const observers: Observers = { ...diagnosticObservers, ...probeObservers, ...fileObservers };
