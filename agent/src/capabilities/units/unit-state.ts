/** The state of units as systemd tells it. Source: systemctl(1) `show`, org.freedesktop.systemd1(5). */
import { fault } from '@countersign/protocol';
import { systemdRuns, unitProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

export interface UnitState {
  readonly name: string;
  readonly exists: boolean;
  readonly description: string;
  readonly activeState: string;
  readonly subState: string;
  readonly unitFileState: string;
  readonly result: string;
  readonly mainPid: number;
  readonly restarts: number;
  readonly canReload: boolean;
  /** Milliseconds since 1970; `null` when it is not active. */
  readonly activeSince: number | null;
  /** When it last changed its state. */
  readonly changedAt: number | null;
  /** How its main process ended last: 1 exited, 2 killed, 3 dumped core; 0 when it has not. */
  readonly exitCode: number;
  /** Exit code or signal number of that. */
  readonly exitStatus: number;
  readonly configFile: string | null;
}

const PROPERTIES = [
  'Id',
  'LoadState',
  'Description',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'Result',
  'MainPID',
  'NRestarts',
  'CanReload',
  'ActiveEnterTimestamp',
  'StateChangeTimestamp',
  'ExecMainCode',
  'ExecMainStatus',
  'FragmentPath',
] as const;

/** Rejects with `capability_failed` where systemd does not run the machine or does not answer. */
export async function readUnitState(context: ObserveContext, unit: string): Promise<UnitState> {
  requireSystemd();
  const found = await unitProperties(context.exec, unit, PROPERTIES);
  const number = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : 0);
  const active = found.ActiveState === 'active' || found.ActiveState === 'reloading';
  return {
    name: found.Id || unit,
    exists: found.LoadState !== 'not-found' && found.LoadState !== undefined,
    description: found.Description ?? '',
    activeState: found.ActiveState ?? 'unknown',
    subState: found.SubState ?? 'unknown',
    unitFileState: found.UnitFileState || 'none',
    result: found.Result ?? 'unknown',
    mainPid: number(found.MainPID),
    restarts: number(found.NRestarts),
    canReload: found.CanReload === 'yes',
    activeSince: active ? parseTimestamp(found.ActiveEnterTimestamp) : null,
    changedAt: parseTimestamp(found.StateChangeTimestamp),
    exitCode: number(found.ExecMainCode),
    exitStatus: number(found.ExecMainStatus),
    configFile: found.FragmentPath || null,
  };
}

/** Names of all failed units. Rejects as {@link readUnitState}. */
export async function readFailedUnits(context: ObserveContext): Promise<string[]> {
  requireSystemd();
  const argv = ['systemctl', 'list-units', '--failed', '--all', '--plain', '--full', '--no-legend', '--no-pager'];
  const listed = await context.exec({ argv, timeoutMs: 10_000, signal: context.signal });
  if (listed.exitCode !== 0)
    throw fault('capability_failed', { capability: 'systemctl list-units', reason: 'systemd does not answer' });
  return listed.stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] ?? '')
    .filter((name) => name !== '');
}

/** `@1795187951` → milliseconds; `null` for `n/a`, nothing and 0. */
export function parseTimestamp(text: string | undefined): number | null {
  const seconds = Number(/^@(\d+)$/.exec(text ?? '')?.[1] ?? 0);
  return seconds === 0 ? null : seconds * 1000;
}

/** How a unit's main process ended, in words: `exit code 1`, `signal 9`. */
export function sayExit({ exitCode, exitStatus }: Pick<UnitState, 'exitCode' | 'exitStatus'>): string {
  if (exitCode === 1) return `exit code ${exitStatus}`;
  if (exitCode === 2) return `signal ${exitStatus}`;
  if (exitCode === 3) return `a core dump (signal ${exitStatus})`;
  return 'no exit code';
}

function requireSystemd(): void {
  if (!systemdRuns())
    throw fault('capability_failed', { capability: 'systemctl', reason: 'systemd does not run this server' });
}
