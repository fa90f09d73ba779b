/** Playbooks of this area as findings offer them, their parameters filled in. */
import type { Suggestion } from '@countersign/protocol';
import { type Process, unitOfProcess } from '../../host/processes.ts';
import { LIMIT_RATIO_MAX, LIMIT_RATIO_MIN } from '../units/memory-limits.ts';

const MIB = 1024 ** 2;
const ROOM_TO_GROW = 1.5;

type Named = Pick<Process, 'pid' | 'startedTicks'>;

/** What names a process for ever, as parameters. */
export function identityOf({ pid, startedTicks }: Named): { readonly pid: number; readonly start_time: number } {
  return { pid, start_time: startedTicks };
}

/** Nothing for processes that no service of the server stands behind: nobody would start them again. */
export function dropOffender(process: Named, why: string): Suggestion[] {
  const unit = serviceOf(process.pid);
  return unit === null ? [] : [{ playbook: 'mem.drop_offender', parameters: { unit, ...identityOf(process) }, why }];
}

export function renice(process: Named, why: string): Suggestion[] {
  const unit = unitOfProcess(process.pid);
  if (unit === null || unit.startsWith('docker:')) return [];
  return [{ playbook: 'proc.renice', parameters: { unit, ...identityOf(process) }, why }];
}

/** A limit with room to grow, where there is room below the most that the server can spare. */
export function memoryLimit(unit: string, usedBytes: number, totalBytes: number, why: string): Suggestion[] {
  const most = Math.floor((totalBytes * LIMIT_RATIO_MAX) / MIB);
  const least = Math.ceil((usedBytes * LIMIT_RATIO_MIN) / MIB);
  const max = Math.min(most, Math.ceil((usedBytes * ROOM_TO_GROW) / MIB));
  if (max < least || max < 1) return [];
  return [{ playbook: 'service.memory_limit', parameters: { unit, max: `${max}M` }, why }];
}

/** The service that a process belongs to, or `null` where it is none of the server's own. */
export function serviceOf(pid: number): string | null {
  const unit = unitOfProcess(pid);
  return isServersOwn(unit) ? unit : null;
}

/** Whether a unit is a service of the server; that of a user's own service manager holds all that this user runs. */
export function isServersOwn(unit: string | null | undefined): unit is string {
  return unit?.endsWith('.service') === true && !unit.startsWith('user@');
}
