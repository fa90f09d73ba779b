import { firstNamesIn } from '../../host/look.ts';
import type { LocalRules } from '../capability.ts';

/** Where programs of Debian keep sessions, a small file each. */
const KNOWN = ['/var/lib/php/sessions'];

/** Folders whose old files may be packed away: the known ones and those that the server's owner names as temporary. */
export function sessionRoots({ tmpRoots = [] }: Pick<LocalRules, 'tmpRoots'>): string[] {
  return [...KNOWN, ...tmpRoots];
}

const SAMPLE = 500;

/** What the names of most files in a folder begin with, as a pattern: `sess_*`. `*` when they have nothing in common. */
export function patternOf(folder: string): string {
  const starts = firstNamesIn(folder, SAMPLE).map((name) => /^[A-Za-z][A-Za-z-]*[._-]/.exec(name)?.[0] ?? '');
  const [start = '', those = []] =
    [...Map.groupBy(starts, (it) => it)].sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  return those.length * 2 > starts.length && start.length <= 50 ? `${start}*` : '*';
}
