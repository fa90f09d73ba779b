/** The code behind `protocol/src/capabilities/files.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { fileChangers } from './file.ts';
import { fileDiff } from './file-diff.ts';
import { fileState } from './file-state.ts';
import { fileObservers } from './read-files.ts';

export const diagnostics = {};
export const probes = { 'file.state': fileState, 'file.diff': fileDiff, ...fileObservers } satisfies Partial<Observers>;
export const changes = { ...fileChangers } satisfies Partial<Changers>;
