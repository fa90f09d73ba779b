import { NOFILE_MAX, type Suggestion } from '@countersign/protocol';
import { readTextOrNull } from '../../host/look.ts';
import { type Process, readOpenFileUse, readProcesses, unitOfProcess } from '../../host/processes.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayRatio } from '../report.ts';
import { conntrackMost, readConntrack } from './conntrack.ts';
import { serviceOf } from './offers.ts';

const NEAR = 0.8;
const AT = 0.97;
const CONNTRACK_NEAR = 0.85;
const TOP = 10;

/** How near the server and its processes are to their limits of connections and open files. */
export const conntrackFd: Observer<'conntrack_fd'> = async (_, context) => {
  const report = new Report(context);
  await orBlind(report, 'The table of connections', () => lookAtConntrack(report, context));
  lookAtAllFiles(report);
  lookAtProcesses(report);
  if (report.isCalm)
    report.add({
      kind: 'conntrack_fd.calm',
      severity: 'ok',
      title: 'No process is near its limit of open files, and there is room for more connections.',
    });
  return report.finish();
};

async function lookAtConntrack(report: Report, context: ObserveContext): Promise<void> {
  const table = await readConntrack(context);
  report.figure('conntrack_count', table?.count ?? null);
  report.figure('conntrack_max', table?.max ?? null);
  if (table === null) {
    report.blind('The table of connections', 'the kernel does not track connections, or its figures cannot be read');
    return;
  }
  const ratio = table.count / table.max;
  if (ratio < CONNTRACK_NEAR) return;
  const max = Math.min(table.max * 2, conntrackMost());
  report.add({
    kind: 'conntrack.near_limit',
    severity: ratio >= AT ? 'critical' : 'warning',
    title: `The kernel tracks ${table.count} connections of ${table.max} at most (${sayRatio(ratio)}): when it is full, new ones are dropped.`,
    causes: ['Much traffic, or a flood; or connections that are forgotten too late.'],
    suggestions:
      max <= table.max
        ? []
        : [{ playbook: 'conntrack.raise', parameters: { max }, why: 'It makes room for more connections.' }],
  });
}

/** `file-nr`: in use, unused, most of all. Source: proc_sys_fs(5). */
function lookAtAllFiles(report: Report): void {
  const [used, , most] = (readTextOrNull('/proc/sys/fs/file-nr') ?? '').trim().split(/\s+/).map(Number);
  if (used === undefined || most === undefined || !(most > 0)) {
    report.blind('Open files of the whole server', '/proc/sys/fs/file-nr cannot be read');
    return;
  }
  report.figure('files_open', used);
  report.figure('files_max', most);
  const ratio = used / most;
  if (ratio < NEAR) return;
  report.add({
    kind: 'fd.server_near_limit',
    severity: ratio >= AT ? 'critical' : 'warning',
    title: `The server has ${used} files open of ${most} at most (${sayRatio(ratio)}).`,
    causes: ['A process that opens files and never closes them; the list of processes tells which.'],
  });
}

interface Use {
  readonly process: Process;
  readonly open: number;
  readonly soft: number;
  readonly ratio: number;
}

function lookAtProcesses(report: Report): void {
  const processes = readProcesses().filter(({ state }) => state !== 'Z');
  const seen = processes.map((process) => ({ process, use: readOpenFileUse(process.pid) }));
  const blind = seen.filter(({ use }) => use === null).length;
  if (blind > 0)
    report.blind(`Open files of ${count(blind, 'process', 'processes')}`, 'the agent has no right to them');
  const uses: Use[] = seen
    .flatMap(({ process, use }) =>
      use === null ? [] : [{ process, open: use.open, soft: use.soft, ratio: use.open / Math.max(1, use.soft) }],
    )
    .sort((a, b) => b.ratio - a.ratio);
  const [worst] = uses;
  report.figure('worst_ratio', worst?.ratio ?? null);
  const table = uses.slice(0, TOP).map(printUse).join('\n');
  // One finding a unit: its workers share one limit.
  const byUnit = new Map<string, Use>();
  for (const use of uses.filter(({ ratio }) => ratio >= NEAR)) {
    const who = unitOfProcess(use.process.pid) ?? `process ${use.process.pid}`;
    if (!byUnit.has(who)) byUnit.set(who, use);
  }
  for (const [who, { process, open, soft, ratio }] of [...byUnit].slice(0, 5))
    report.add({
      kind: 'fd.near_limit',
      severity: ratio >= AT ? 'critical' : 'warning',
      title: `${process.name} (process ${process.pid}${who.startsWith('process') ? '' : ` of ${who}`}) has ${open} files open of ${soft} at most (${sayRatio(ratio)}).`,
      evidence: [['/proc, open files and soft limit', table]],
      causes: ['Many connections at once, or files that are opened and never closed.'],
      suggestions: raise(process.pid, soft),
    });
}

function raise(pid: number, soft: number): Suggestion[] {
  const unit = serviceOf(pid);
  const nofile = Math.min(NOFILE_MAX, Math.max(4096, soft * 4));
  if (unit === null || nofile <= soft) return [];
  return [
    {
      playbook: 'fd.raise_limit',
      parameters: { unit, nofile },
      why: 'It gives the unit room, now and after a restart.',
    },
  ];
}

function printUse({ process: { pid, name }, open, soft, ratio }: Use): string {
  return `${sayRatio(ratio).padStart(5)}  ${open} of ${soft}  ${String(pid).padStart(7)} ${unitOfProcess(pid) ?? '-'}  ${name}`;
}
