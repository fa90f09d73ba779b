/** Which log files which file of /etc/logrotate.d rotates. Source: logrotate(8). */
import { globSync } from 'node:fs';
import { namesIn, readTextOrNull } from '../../host/look.ts';

export const LOGROTATE_FOLDER = '/etc/logrotate.d';
const FILES_MAX = 2000;

/** Every log that a file of /etc/logrotate.d names → the name of that file. */
export function readRotated(folder = LOGROTATE_FOLDER): Map<string, string> {
  const rotated = new Map<string, string>();
  for (const name of (namesIn(folder) ?? []).sort())
    for (const path of logsOf(name, folder)) if (!rotated.has(path)) rotated.set(path, name);
  return rotated;
}

/** The logs of one file of /etc/logrotate.d that are there now. */
export function logsOf(name: string, folder = LOGROTATE_FOLDER): string[] {
  const patterns = parsePatterns(readTextOrNull(`${folder}/${name}`) ?? '');
  return [...new Set(patterns.flatMap((pattern) => globSync(pattern).slice(0, FILES_MAX)))].sort();
}

/** The patterns before each `{ … }`. Lines of scripts inside are passed over, and so are directives outside. */
export function parsePatterns(text: string): string[] {
  const patterns: string[] = [];
  let inside = false;
  let script = false;
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line.startsWith('#')) continue;
    if (script) script = line !== 'endscript';
    else if (inside && /^(pre|post|first|last)(rotate|action|remove)$/.test(line)) script = true;
    else if (inside) inside = line !== '}';
    else {
      const opens = line.indexOf('{');
      patterns.push(...wordsOf(opens < 0 ? line : line.slice(0, opens)).filter((word) => word.startsWith('/')));
      inside = opens >= 0 && !line.slice(opens).includes('}');
    }
  }
  return patterns;
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}
