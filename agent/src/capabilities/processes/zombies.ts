import { delay } from '@countersign/protocol';
import { type Process, readProcesses, TICKS_PER_SECOND, unitOfProcess, waitChannelOf } from '../../host/processes.ts';
import { readUptimeS } from '../../host/system.ts';
import type { Observer } from '../capability.ts';
import { count, Report, sayDuration } from '../report.ts';
import { identityOf, serviceOf } from './offers.ts';

/** A process is a zombie for a moment whenever one ends; those that stay are looked at. */
const WINDOW_MS = 500;
const MANY = 20;
const SHOWN = 20;
const PARENTS = 10;

/** Processes that ended and were never asked for, by parent, and processes that nothing can interrupt. */
export const zombies: Observer<'zombies'> = async (_, context) => {
  const report = new Report(context);
  const before = new Set(readProcesses().filter(isStuck).map(nameOf));
  await delay(context.clock, WINDOW_MS, context.signal);
  const all = readProcesses();
  const stuck = all.filter((process) => isStuck(process) && before.has(nameOf(process)));
  const dead = stuck.filter(({ state }) => state === 'Z');
  const waiting = stuck.filter(({ state }) => state === 'D');
  report.figure('zombies', dead.length);
  report.figure('uninterruptible', waiting.length);
  const byParent = [...Map.groupBy(dead, ({ parent }) => parent)].sort(([, a], [, b]) => b.length - a.length);
  if (byParent.length > PARENTS) report.cut();
  for (const [pid, children] of byParent.slice(0, PARENTS))
    addParent(
      report,
      all.find((process) => process.pid === pid),
      children,
    );
  addWaiting(report, waiting);
  if (stuck.length === 0)
    report.add({
      kind: 'zombies.calm',
      severity: 'ok',
      title: 'There are no zombies, and no process hangs in the kernel.',
    });
  return report.finish();
};

const isStuck = ({ state }: Process) => state === 'Z' || state === 'D';
const nameOf = ({ pid, startedTicks, state }: Process) => `${pid}:${startedTicks}:${state}`;

function addParent(report: Report, parent: Process | undefined, children: readonly Process[]): void {
  const severity = children.length >= MANY ? 'warning' : 'info';
  const evidence = [['/proc, state Z', children.slice(0, SHOWN).map(printProcess).join('\n')]] as const;
  if (parent === undefined || parent.pid === 1) {
    report.add({
      kind: 'zombies.orphaned',
      severity,
      title: `${count(children.length, 'zombie')} wait for process 1.`,
      evidence,
      causes: ['Process 1 of this server does not take care of orphans, as in a container without an init.'],
    });
    return;
  }
  const unit = serviceOf(parent.pid);
  report.add({
    kind: 'zombies.unreaped',
    severity,
    title: `${parent.name} (process ${parent.pid}${unit === null ? '' : ` of ${unit}`}) leaves ${count(children.length, 'zombie')} behind.`,
    evidence,
    causes: ['The parent never asks how its children ended. Each keeps a process number until the parent ends.'],
    suggestions:
      unit === null
        ? []
        : [
            {
              playbook: 'proc.reap_zombies',
              parameters: { unit, ...identityOf(parent) },
              why: 'It reminds the parent, and restarts its unit when that does not help.',
            },
          ],
  });
}

function addWaiting(report: Report, waiting: readonly Process[]): void {
  if (waiting.length === 0) return;
  const lines = waiting
    .slice(0, SHOWN)
    .map((process) => `${printProcess(process)}  ${waitChannelOf(process.pid) ?? 'where cannot be seen'}`);
  report.add({
    kind: 'zombies.uninterruptible',
    severity: waiting.length >= 5 ? 'warning' : 'info',
    title: `${count(waiting.length, 'process hangs', 'processes hang')} in the kernel and cannot be ended.`,
    evidence: [['/proc, state D, and where in the kernel', lines.join('\n')]],
    causes: ['A disk or network file system that does not answer: run storage_hw.'],
  });
}

function printProcess({ pid, parent, name, startedTicks }: Process): string {
  const age = Math.max(0, readUptimeS() - startedTicks / TICKS_PER_SECOND);
  return `${String(pid).padStart(7)} of ${parent} ${unitOfProcess(pid) ?? '-'} ${name}, ${sayDuration(age * 1000)} old`;
}
