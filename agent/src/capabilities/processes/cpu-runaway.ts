import { delay } from '@countersign/protocol';
import { commandLineOf, type Process, readProcesses, TICKS_PER_SECOND, unitOfProcess } from '../../host/processes.ts';
import { readCpuCount, readCpuTimes } from '../../host/system.ts';
import type { Observer } from '../capability.ts';
import { Report } from '../report.ts';
import { renice } from './offers.ts';

const TOP = 10;
/** Share of one core, per cent, from which a process is called a runaway. */
const RUNAWAY = 80;
/** The same where processes have to share: nothing is idle, so that none can get a core of its own. */
const RUNAWAY_AMONG_MANY = 20;
const IDLE_LOW = 5;
const STEAL_HIGH = 10;
const IOWAIT_HIGH = 30;

interface Use {
  readonly process: Process;
  /** Per cent of one core. */
  readonly percent: number;
}

/** Two samples of all processes, `window_s` apart. */
export const cpuRunaway: Observer<'cpu_runaway'> = async ({ window_s: seconds }, context) => {
  const report = new Report(context);
  const before = { processes: readProcesses(), times: readCpuTimes(), at: context.clock.monotonic() };
  await delay(context.clock, seconds * 1000, context.signal);
  const elapsedS = (context.clock.monotonic() - before.at) / 1000;
  const times = readCpuTimes();
  const total = Math.max(1, times.total - before.times.total);
  const percent = (name: 'idle' | 'iowait' | 'steal') => (100 * (times[name] - before.times[name])) / total;
  report.figure('cpus', readCpuCount());
  report.figure('idle_percent', percent('idle'));
  report.figure('iowait_percent', percent('iowait'));
  report.figure('steal_percent', percent('steal'));
  const limit = percent('idle') < IDLE_LOW ? RUNAWAY_AMONG_MANY : RUNAWAY;
  lookAtProcesses(report, usesBetween(before.processes, readProcesses(), elapsedS), { seconds, limit });
  if (percent('steal') >= STEAL_HIGH)
    report.add({
      kind: 'cpu.steal',
      severity: 'warning',
      title: `The machine under this virtual server took ${percent('steal').toFixed(0)} % of its CPU time.`,
      causes: ['The host of the virtual server is overbooked, or a CPU credit is used up: ask the provider.'],
    });
  if (percent('iowait') >= IOWAIT_HIGH)
    report.add({
      kind: 'cpu.iowait',
      severity: 'warning',
      title: `CPUs stood still ${percent('iowait').toFixed(0)} % of the time, waiting for disks.`,
    });
  if (report.isCalm)
    report.add({
      kind: 'cpu.calm',
      severity: 'ok',
      title: `No process takes more than its share, ${percent('idle').toFixed(0)} % of CPU time is idle.`,
    });
  return report.finish();
};

/** What each process used between two samples, most first. A pid that was given anew counts as another process. */
export function usesBetween(before: readonly Process[], after: readonly Process[], elapsedS: number): Use[] {
  const earlier = new Map(before.map((process) => [`${process.pid}:${process.startedTicks}`, process.ticks]));
  return after
    .map((process) => {
      const ticks = process.ticks - (earlier.get(`${process.pid}:${process.startedTicks}`) ?? 0);
      return { process, percent: (100 * ticks) / TICKS_PER_SECOND / Math.max(0.001, elapsedS) };
    })
    .sort((a, b) => b.percent - a.percent);
}

function lookAtProcesses(
  report: Report,
  uses: readonly Use[],
  { seconds, limit }: { readonly seconds: number; readonly limit: number },
): void {
  const top = uses.slice(0, TOP).filter(({ percent }) => percent >= 0.5);
  const table = top
    .map(({ process: { pid, name, state }, percent }) => {
      const command = commandLineOf(pid).slice(0, 160) || `[${name}]`;
      return `${percent.toFixed(1).padStart(6)} %  ${String(pid).padStart(7)} ${state} ${unitOfProcess(pid) ?? '-'}  ${command}`;
    })
    .join('\n');
  const runaways = top.filter(({ percent }) => percent >= limit);
  for (const { process, percent } of runaways.slice(0, 5)) {
    const unit = unitOfProcess(process.pid);
    report.add({
      kind: 'cpu.runaway',
      severity: 'warning',
      title: `${process.name} (process ${process.pid}${unit === null ? '' : ` of ${unit}`}) used ${percent.toFixed(0)} % of a core for ${seconds} s${limit < RUNAWAY ? ', while no CPU was idle' : ''}.`,
      evidence: [['/proc, per cent of one core', table]],
      causes: ['A loop that never ends, or simply much work: look at its logs first.'],
      suggestions: [
        ...(unit?.endsWith('.service')
          ? [{ playbook: 'service.restart', parameters: { unit }, why: 'A restart ends the loop, if it is one.' }]
          : []),
        ...renice(process, 'Others get their turn before it, and it goes on with what is left.'),
      ],
    });
  }
  if (runaways.length === 0 && top.length > 0)
    report.add({
      kind: 'cpu.top',
      severity: 'info',
      title: `${top[0]?.process.name} uses most CPU: ${top[0]?.percent.toFixed(0)} % of a core.`,
      evidence: [['/proc, per cent of one core', table]],
    });
  addWaiting(
    report,
    uses.filter(({ process }) => process.state === 'D'),
  );
}

function addWaiting(report: Report, waiting: readonly Use[]): void {
  if (waiting.length > 0)
    report.add({
      kind: 'cpu.waiting_for_disk',
      severity: waiting.length >= 5 ? 'warning' : 'info',
      title: `${waiting.length === 1 ? 'One process waits' : `${waiting.length} processes wait`} for a disk and cannot be interrupted.`,
      evidence: [
        [
          '/proc, state D',
          waiting
            .slice(0, 20)
            .map(({ process }) => `${process.pid} ${process.name}`)
            .join('\n'),
        ],
      ],
    });
}
