/** The code behind `protocol/src/capabilities/commands.ts`. */
import type { Changers } from '../capability.ts';
import { commandRun } from './command.ts';
import { ownCommandPart } from './own-command.ts';
import { commandRead } from './read.ts';

export const diagnostics = {};
export const probes = {};
export const changes = {
  'command.run': commandRun,
  'command.read': commandRead,
  'local.run': ownCommandPart('run'),
  'local.check': ownCommandPart('check'),
  'local.undo': ownCommandPart('undo'),
} satisfies Partial<Changers>;
