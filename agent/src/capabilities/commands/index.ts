/** The code behind `protocol/src/capabilities/commands.ts`. */
import type { Changers } from '../capability.ts';
import { commandRun } from './command.ts';

export const diagnostics = {};
export const probes = {};
export const changes = { 'command.run': commandRun } satisfies Partial<Changers>;
