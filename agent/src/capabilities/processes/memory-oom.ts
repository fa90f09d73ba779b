import { durationMs, type Suggestion } from '@countersign/protocol';
import { ownerOfGroup } from '../../host/processes.ts';
import { readMemory } from '../../host/system.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { type JournalLine, printJournal, readJournal } from '../logs/journal.ts';
import { count, Report, sayBytes } from '../report.ts';
import { readMemoryLimits } from '../units/memory-limits.ts';
import { addMemoryUse, restart } from './memory-use.ts';
import { isServersOwn, memoryLimit } from './offers.ts';

const JOURNAL_LINES = 4000;
/** So many units are asked for their limits. */
const UNITS = 20;
/**
 * `systemd` says of a unit that the kernel killed one of its processes. Anybody may log with this id, so only root is believed.
 * Source: systemd-messages, sd-messages.h.
 */
const UNIT_OOM = ['MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef', '_UID=0'];
/** Asked of the journal: on a server whose firewall logs what it drops, kills would be lost among thousands of other lines. */
const TELLS_OF_KILL = 'oom-kill|out of memory|oom[- ]killer';

/** A kill by the out-of-memory killer. */
export interface Kill {
  readonly at: number;
  readonly process: string;
  readonly unit: string | null;
}

/** Kills by the out-of-memory killer since then, and who uses the memory now. */
export const memoryOom: Observer<'memory_oom'> = async ({ since }, context) => {
  const report = new Report(context);
  const seen = await lookForKills(report, context, context.clock.now() - durationMs(since), since);
  await addMemoryUse(report, context);
  if (report.isCalm)
    report.add({
      kind: 'memory.calm',
      severity: 'ok',
      title: seen ? `No process was killed for lack of memory in the last ${since}.` : 'No process uses up the memory.',
    });
  return report.finish();
};

/** Whether the journal could be looked at. */
async function lookForKills(report: Report, context: ObserveContext, from: number, since: string): Promise<boolean> {
  const answer = await readJournal(context, {
    matches: ['_TRANSPORT=kernel', '+', ...UNIT_OOM],
    grep: `(?i)${TELLS_OF_KILL}`,
    since: from,
    lines: JOURNAL_LINES,
  });
  if (answer.blind !== null) report.blind('Kills for lack of memory', answer.blind);
  const { lines } = answer;
  const kills = parseKills(lines);
  report.figure('oom_kills', answer.blind === null || kills.length > 0 ? kills.length : null);
  const byUnit = Map.groupBy(kills, ({ unit, process }) => unit ?? process);
  const services = kills.flatMap(({ unit }) => (isServersOwn(unit) ? [unit] : []));
  const limits = await readMemoryLimits(context, [...new Set(services)].slice(0, UNITS));
  for (const [who, those] of byUnit) {
    const last = those.at(-1);
    report.add({
      kind: 'memory.oom_kill',
      severity: 'critical',
      title: `${who} lost ${count(those.length, 'process', 'processes')} to the out-of-memory killer in the last ${since}.`,
      since: those[0]?.at,
      evidence: [
        ['kernel log', printJournal(lines.filter((line) => those.some((kill) => kill.at === line.at)).slice(-20))],
      ],
      causes: ['It leaks memory.', 'Its limit (MemoryMax) or the server is too small for its load.'],
      suggestions: isServersOwn(last?.unit)
        ? [
            restart(last.unit, 'A restart frees what it leaked.'),
            ...raise(last.unit, limits.get(last.unit)?.max ?? null),
          ]
        : [],
    });
  }
  return answer.blind === null;
}

/** More room for a unit that was killed at a limit of its own; without one, the server is too small for it. */
function raise(unit: string, max: number | null): Suggestion[] {
  if (max === null) return [];
  return memoryLimit(unit, max, readMemory().totalBytes, `It was killed with a limit of ${sayBytes(max)}.`);
}

/** Kills told by the kernel (`Killed process 12 (name)`, with its group) or by systemd. */
export function parseKills(lines: readonly JournalLine[]): Kill[] {
  const kills: Kill[] = [];
  let group: string | null = null;
  for (const { at, message, unit } of lines) {
    const constraint = /oom-kill:.*?task_memcg=([^,]*),task=([^,]*)/.exec(message);
    if (constraint) group = ownerOfGroup(constraint[1] ?? '');
    const killed = /Killed process \d+ \(([^)]*)\)/i.exec(message);
    if (killed) {
      kills.push({ at, process: killed[1] ?? 'unknown', unit: group });
      group = null;
    } else if (
      /killed by the OOM killer/i.test(message) &&
      unit !== null &&
      !kills.some((kill) => kill.unit === unit && Math.abs(kill.at - at) < 5000)
    ) {
      kills.push({ at, process: unit, unit });
    }
  }
  return kills;
}
