import type { Suggestion } from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { type JournalLine, printJournal, readJournal } from '../logs/journal.ts';
import { count, Report, sayDuration } from '../report.ts';
import { addHints } from './service-hints.ts';
import { readUnitState, sayExit, type UnitState } from './unit-state.ts';

const LINES = 200;
const SHOWN = 40;
const ERROR = 3;
const RECENT_MS = 3_600_000;

/** Why programs end with these codes before they begin. Source: systemd.exec(5), process exit codes. */
const EXEC_CODES: Readonly<Record<number, string>> = {
  200: 'Its working folder cannot be entered (CHDIR).',
  203: 'Its program cannot be executed: missing, or not executable (EXEC).',
  209: 'Its output cannot be set up (STDOUT).',
  217: 'Its user does not exist (USER).',
  226: 'Its namespace cannot be set up (NAMESPACE).',
};

/** State of one unit, how it ended, and what it said last. */
export const service: Observer<'service'> = async ({ unit }, context) => {
  const report = new Report(context);
  const state = await readUnitState(context, unit);
  report.figure('unit', state.name);
  report.figure('active_state', state.activeState);
  report.figure('sub_state', state.subState);
  report.figure('result', state.result);
  report.figure('restarts', state.restarts);
  report.figure('main_pid', state.mainPid);
  report.figure('enabled', state.unitFileState);
  if (!state.exists) {
    report.add({
      kind: 'service.unknown',
      severity: 'warning',
      title: `There is no unit ${unit} on this server.`,
      causes: ['Its name is another one, or its package is not installed.'],
    });
    return report.finish();
  }
  const lines = await lastLines(report, context, unit);
  report.add(stateFinding(state, lines, context.clock.now()));
  addErrors(report, state, lines, context.clock.now());
  addHints(report, state, context.clock.now());
  return report.finish();
};

async function lastLines(report: Report, context: ObserveContext, unit: string): Promise<readonly JournalLine[]> {
  const answer = await readJournal(context, { unit, lines: LINES });
  if (answer.blind !== null) report.blind(`Log lines of ${unit}`, answer.blind);
  return answer.lines;
}

function stateFinding(state: UnitState, lines: readonly JournalLine[], now: number): Parameters<Report['add']>[0] {
  const { name, description } = state;
  const evidence = [
    ['systemctl show', summaryOf(state)],
    [`journal of ${name}`, printJournal(lines.slice(-SHOWN))],
  ] as const;
  const since = state.changedAt ?? undefined;
  if (isCrashLooping(state))
    return {
      kind: 'service.crash_loop',
      severity: 'critical',
      title: `${name} keeps ending with ${sayExit(state)} and being restarted: ${count(state.restarts, 'time')} so far.`,
      since,
      evidence,
      causes: causesOf(state),
      suggestions: [
        { playbook: 'service.stop', parameters: { unit: name }, why: 'It ends the loop until its cause is found.' },
      ],
    };
  if (state.activeState === 'failed')
    return {
      kind: state.result === 'start-limit-hit' ? 'service.gave_up' : 'service.failed',
      severity: 'critical',
      title: `${name} (${description}) has failed: ${state.result}, ${sayExit(state)}.`,
      since,
      evidence,
      causes: causesOf(state),
      suggestions: [resetAndStart(name)],
    };
  if (state.activeState === 'inactive')
    return {
      kind: 'service.not_running',
      severity: 'warning',
      title: `${name} (${description}) does not run${since === undefined ? '' : ` since ${sayDuration(now - since)}`}.`,
      since,
      evidence,
      causes: ['Somebody stopped it, it was never started, or its work is done.'],
      suggestions: [{ playbook: 'service.start', parameters: { unit: name }, why: 'It starts the unit.' }],
    };
  return {
    kind: 'service.running',
    severity: state.activeState === 'active' ? 'ok' : 'info',
    title: `${name} is ${state.activeState} (${state.subState})${state.activeSince === null ? '' : ` for ${sayDuration(now - state.activeSince)}`}.`,
    since: state.activeSince ?? undefined,
    evidence: evidence.slice(0, 1),
  };
}

function addErrors(report: Report, state: UnitState, lines: readonly JournalLine[], now: number): void {
  const errors = lines.filter(({ level, at }) => level <= ERROR && at >= now - RECENT_MS);
  report.figure('errors_last_hour', errors.length);
  if (state.activeState === 'active' && state.restarts > 0)
    report.add({
      kind: 'service.restarted',
      severity: 'warning',
      title: `${state.name} was restarted ${count(state.restarts, 'time')} by systemd because it ended.`,
      since: state.activeSince ?? undefined,
      evidence: [[`journal of ${state.name}`, printJournal(lines.slice(-SHOWN))]],
    });
  if (state.activeState !== 'active' || errors.length === 0) return;
  report.add({
    kind: 'service.errors',
    severity: 'warning',
    title: `${state.name} wrote ${count(errors.length, 'error')} in the last hour.`,
    since: errors[0]?.at,
    evidence: [[`errors of ${state.name}`, printJournal(errors.slice(-SHOWN))]],
  });
}

/** Whether systemd starts a unit again and again because it ends at once. */
export function isCrashLooping({ activeState, subState, restarts }: UnitState): boolean {
  return activeState === 'activating' && subState.startsWith('auto-restart') && restarts > 0;
}

/** What usually leads to a result. Source: systemd.service(5), `Result`. */
export function causesOf(state: Pick<UnitState, 'name' | 'result' | 'exitCode' | 'exitStatus'>): string[] {
  const causes: Record<string, string> = {
    'start-limit-hit':
      'It ended too often too fast, and systemd gave up: find out why it ends before it is started again.',
    'oom-kill': 'The kernel killed it for lack of memory: run memory_oom.',
    timeout: 'It did not start or stop in its time.',
    watchdog: 'It did not answer its watchdog in time, as when it hangs.',
    signal: 'Somebody or something killed it.',
    'core-dump': 'It crashed.',
    resources: 'systemd could not give it what it needs, such as a folder or a socket.',
  };
  const exec = state.exitCode === 1 ? EXEC_CODES[state.exitStatus] : undefined;
  const own = state.name === 'nginx.service' ? ['Its configuration is refused: run nginx.'] : [];
  return [
    ...own,
    ...[exec, causes[state.result]].filter((cause) => cause !== undefined),
    'Its last lines say why it ended.',
  ];
}

/** The playbook that starts a failed unit. */
export function resetAndStart(unit: string): Suggestion {
  return {
    playbook: 'service.reset_failed',
    parameters: { unit },
    why: 'It clears the failed state and starts the unit; it helps only when the cause is gone.',
  };
}

function summaryOf(state: UnitState): string {
  return [
    `state=${state.activeState} (${state.subState})`,
    `result=${state.result}`,
    `main process=${state.mainPid}`,
    `ended last with=${sayExit(state)}`,
    `restarts=${state.restarts}`,
    `unit file=${state.configFile ?? 'none'} (${state.unitFileState})`,
  ].join('\n');
}
