/** Log files that grew too big, and what keeps each small. */
import type { Suggestion } from '@countersign/protocol';
import { deniedBecause } from '../../host/files.ts';
import { filesBelow } from '../../host/files-below.ts';
import { statOrNull } from '../../host/look.ts';
import type { LocalRules } from '../capability.ts';
import { writableRoots } from '../files/roots.ts';
import { readRotated } from '../logs/logrotate-files.ts';
import { count, type Report, sayBytes } from '../report.ts';

const BIG_BYTES = 100_000_000;
const SHOWN = 3;
const LOOKED_AT = 20_000;

/** Names of what is a log that a program writes to now, and no rotated copy or database of its own kind. */
const PRESENT = /(\.(log|err|out|txt)|\/(syslog|messages|debug|mail\.(log|err)|catalina\.out))$/;

/** Emptying is only offered where the owner lets files be written. */
export function lookAtLogs(report: Report, rules: LocalRules): void {
  const rotated = readRotated();
  const paths = new Set([...rotated.keys(), ...logsBelow('/var/log')]);
  const big = [...paths]
    .flatMap((path) => {
      const stat = statOrNull(path);
      return stat?.isFile() === true && stat.blocks * 512 >= BIG_BYTES ? [{ path, bytes: stat.blocks * 512 }] : [];
    })
    .sort((a, b) => b.bytes - a.bytes);
  report.figure('big_logs', big.length);
  for (const { path, bytes } of big.slice(0, SHOWN)) {
    const name = rotated.get(path);
    report.add({
      kind: 'disk.big_log',
      severity: 'info',
      title: `The log ${path} takes ${sayBytes(bytes)}; ${name === undefined ? 'no file of /etc/logrotate.d names it' : `/etc/logrotate.d/${name} rotates it`}.`,
      causes: ['It is rotated too seldom or not at all.', 'A program writes more than it used to.'],
      suggestions: [...rotate(name, bytes), ...truncate(path, bytes, rules)],
    });
  }
  if (big.length > SHOWN)
    report.add({
      kind: 'disk.more_big_logs',
      severity: 'info',
      title: `${count(big.length - SHOWN, 'more log')} are big.`,
    });
}

function rotate(name: string | undefined, bytes: number): Suggestion[] {
  if (name === undefined) return [];
  const why = `It begins new logs; ${sayBytes(bytes)} are compressed or dropped as /etc/logrotate.d/${name} says.`;
  return [{ playbook: 'disk.logrotate', parameters: { name }, why }];
}

function truncate(path: string, bytes: number, rules: LocalRules): Suggestion[] {
  if (!PRESENT.test(path) || deniedBecause(path, writableRoots(rules)) !== undefined) return [];
  const why = `It frees ${sayBytes(bytes)} at once, but all except the last lines is lost.`;
  return [{ playbook: 'disk.truncate_log', parameters: { path }, why }];
}

function logsBelow(folder: string): string[] {
  const found: string[] = [];
  if (statOrNull(folder) === null) return found;
  let met = 0;
  for (const path of filesBelow(folder, { roots: [folder], denied: [] })) {
    if (PRESENT.test(path)) found.push(path);
    met += 1;
    if (met >= LOOKED_AT) break;
  }
  return found;
}
