/** Lines of crontabs. Source: crontab(5), cron(8). */
import { namesIn, readTextOrNull } from '../../host/look.ts';

export interface CronLine {
  readonly file: string;
  /** Whose job it is; `null` where the line names nobody. */
  readonly user: string | null;
  /** Five fields, or a word such as `@daily`. */
  readonly when: string;
  readonly command: string;
}

/** Tables whose lines name a user, and the folder of users' own. */
const SYSTEM_TABLE = '/etc/crontab';
const SYSTEM_FOLDER = '/etc/cron.d';
const USER_FOLDER = '/var/spool/cron/crontabs';

/** All lines that cron reads. `blind`: whether there are tables that may not be read. */
export function readCronLines(): { readonly lines: CronLine[]; readonly blind: boolean } {
  const system = [SYSTEM_TABLE, ...(namesIn(SYSTEM_FOLDER) ?? []).map((name) => `${SYSTEM_FOLDER}/${name}`)];
  const users = namesIn(USER_FOLDER);
  const lines = [
    ...system.filter(isTable).flatMap((file) => parseCrontab(readTextOrNull(file) ?? '', file, null)),
    ...(users ?? []).flatMap((user) => {
      const file = `${USER_FOLDER}/${user}`;
      return parseCrontab(readTextOrNull(file) ?? '', file, user);
    }),
  ];
  return { lines, blind: users === null };
}

/** `owner`: whose table it is; `null` for a system table, whose lines name the user after the times. */
export function parseCrontab(text: string, file: string, owner: string | null): CronLine[] {
  return text.split('\n').flatMap((line) => {
    if (/^\s*(#|$)/.test(line) || /^\s*\w+\s*=/.test(line)) return [];
    const found = /^\s*(@\w+|(?:\S+\s+){4}\S+)\s+(.+)$/.exec(line);
    if (found === null) return [];
    const [, when = '', rest = ''] = found;
    if (owner !== null) return [{ file, user: owner, when, command: rest }];
    const [, user = null, command = ''] = /^(\S+)\s+(.+)$/.exec(rest) ?? [];
    return [{ file, user, when, command }];
  });
}

/** cron passes over files in /etc/cron.d whose names have other characters. Source: cron(8), run-parts(8). */
function isTable(file: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(file.slice(file.lastIndexOf('/') + 1));
}
