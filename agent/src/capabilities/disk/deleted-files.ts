import { readDeletedFiles, unitOfProcess } from '../../host/processes.ts';
import type { Observer } from '../capability.ts';

/** Deleted files that a unit still has open. */
export const unitDeletedFiles: Observer<'unit.deleted_files'> = async ({ unit }) => {
  const own = readDeletedFiles().files.filter(({ pids }) => pids.some((pid) => unitOfProcess(pid) === unit));
  return { files: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
};
