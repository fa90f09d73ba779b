import type { LocalRules } from '../capability.ts';

/** Where programs of Debian keep sessions, a small file each. */
const KNOWN = ['/var/lib/php/sessions'];

/** Folders whose old files may be packed away: the known ones and those that the server's owner names as temporary. */
export function sessionRoots({ tmpRoots = [] }: Pick<LocalRules, 'tmpRoots'>): string[] {
  return [...KNOWN, ...tmpRoots];
}
