/** Which processes work in folders below a given one. Source: proc_pid_cwd(5). */
import { readdirSync } from 'node:fs';
import { readLink } from './links.ts';

export interface WorkingProcess {
  readonly pid: number;
  /** Its working folder as the kernel says it, without the mark of a deleted one. */
  readonly folder: string;
}

/** `root` must be real. Processes that end meanwhile, or are not ours to see, are left out. */
export function processesBelow(root: string): WorkingProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    const folder = /^\d+$/.test(name) ? readLink(`/proc/${name}/cwd`)?.replace(/ \(deleted\)$/, '') : undefined;
    return folder?.startsWith(`${root}/`) ? [{ pid: Number(name), folder }] : [];
  });
}
