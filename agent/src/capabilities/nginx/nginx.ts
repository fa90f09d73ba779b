import { Fault, type Severity } from '@countersign/protocol';
import { newestFileBelow } from '../../host/look.ts';
import { readProcesses, TICKS_PER_SECOND } from '../../host/processes.ts';
import { readTail } from '../../host/read-tail.ts';
import { readUptimeS } from '../../host/system.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayDuration } from '../report.ts';
import { isCrashLooping, resetAndStart } from '../units/service.ts';
import { readUnitState, type UnitState } from '../units/unit-state.ts';
import { lookAtFlags, maintenanceFor } from './maintenance-findings.ts';
import { fixFor } from './nginx-fix.ts';
import { readAccessLog, readUpstreamErrors, recentErrorLines } from './nginx-logs.ts';
import { type NginxTest, parseComplaints, testNginx } from './nginx-test.ts';
import { readServerBlocks, type ServerBlock } from './server-blocks.ts';

const UNIT = 'nginx.service';
const LOG_ROOTS = { roots: ['/var/log/nginx'], denied: [] };
const LOG_BYTES = 2 * 1024 * 1024;
const WINDOW_MS = 15 * 60_000;
const SERVER_ERRORS_MANY = 0.05;

/** Whether the configuration is valid and in force, whether nginx runs, and what its logs say of the last 15 minutes. */
export const nginx: Observer<'nginx'> = async (_, context) => {
  const report = new Report(context);
  const test = await testNginx(context);
  report.figure('installed', test.installed);
  if (!test.installed) {
    report.add({ kind: 'nginx.not_installed', severity: 'info', title: 'nginx is not installed on this server.' });
    return report.finish();
  }
  report.figure('config_valid', test.valid);
  const unit = await orBlind(report, 'The state of nginx.service', () => readUnitState(context, UNIT));
  const runs = unit === null ? readProcesses().some(({ name }) => name === 'nginx') : unit.activeState === 'active';
  report.figure('running', runs);
  if (!test.valid) addInvalidConfig(report, test, runs);
  else lookAtWarnings(report, test);
  if (!runs) addNotRunning(report, unit, test);
  if (runs && test.valid) lookAtStaleConfig(report, context);
  const blocks = test.valid ? ((await orBlind(report, 'Virtual hosts', () => readServerBlocks(context))) ?? []) : [];
  lookAtFlags(report, blocks);
  lookAtErrorLog(report, context, blocks);
  lookAtAccessLog(report, context);
  if (report.isCalm)
    report.add({ kind: 'nginx.calm', severity: 'ok', title: 'nginx runs, and its configuration is valid.' });
  return report.finish();
};

function addInvalidConfig(report: Report, test: NginxTest, runs: boolean): void {
  const complaint = parseComplaints(test.output).find(({ level }) => level !== 'warn');
  const place = complaint?.file ? `${complaint.file}:${complaint.line}` : null;
  const fix = complaint ? fixFor(complaint) : null;
  const severity: Severity = runs ? 'warning' : 'critical';
  const after = runs ? ' It still runs with the former one; a restart would take it down.' : '';
  report.figure('config_error', place);
  report.add({
    kind: 'nginx.config_invalid',
    severity,
    title: `nginx refuses its configuration${place === null ? '' : ` at ${place}`}.${after}`,
    evidence: [
      ['nginx -t', test.output],
      [place ?? 'configuration', fix?.excerpt ?? ''],
    ],
    causes: [
      fix?.suggestion
        ? 'A wrong value on the named line: config.set_key can set it.'
        : 'The named line cannot be mended by one value: read it with read_file and mend it with write_file and validator nginx, then start the unit.',
      'nginx names the first problem only; there may be more behind it.',
    ],
    suggestions: fix?.suggestion ? [fix.suggestion] : [],
  });
}

function lookAtWarnings(report: Report, test: NginxTest): void {
  const warnings = parseComplaints(test.output).filter(({ level }) => level === 'warn');
  if (warnings.length === 0) return;
  report.add({
    kind: 'nginx.config_warnings',
    severity: 'info',
    title: `nginx has ${count(warnings.length, 'warning')} about its configuration.`,
    evidence: [['nginx -t', test.output]],
  });
}

function addNotRunning(report: Report, unit: UnitState | null, test: NginxTest): void {
  if (unit !== null && !unit.exists) {
    report.blind('Whether nginx should run', 'there is no nginx.service');
    return;
  }
  const failed = unit?.activeState === 'failed';
  const state =
    unit === null
      ? 'has no process'
      : isCrashLooping(unit)
        ? 'keeps ending and being restarted'
        : `is ${unit.activeState}`;
  report.add({
    kind: 'nginx.not_running',
    severity: 'critical',
    title: `nginx does not run: ${UNIT} ${state}.`,
    since: unit?.changedAt ?? undefined,
    causes: [
      test.valid
        ? 'It was stopped, or what kept it from starting is gone.'
        : 'It cannot start with the configuration that it has.',
    ],
    suggestions: !test.valid
      ? []
      : failed
        ? [resetAndStart(UNIT)]
        : [
            {
              playbook: 'service.restart',
              parameters: { unit: UNIT },
              why: 'Its configuration is valid, so it can be started.',
            },
          ],
  });
}

/** A configuration that was changed after the workers started is not in force yet: workers are new after each reload. */
function lookAtStaleConfig(report: Report, context: ObserveContext): void {
  const started = readProcesses()
    .filter(({ name }) => name === 'nginx')
    .map(({ startedTicks }) => startedTicks / TICKS_PER_SECOND);
  const changed = newestFileBelow('/etc/nginx');
  if (started.length === 0 || changed === null) return;
  const loadedAt = context.clock.now() - (readUptimeS() - Math.max(...started)) * 1000;
  if (changed.changedAt <= loadedAt + 1000) return;
  report.add({
    kind: 'nginx.config_not_loaded',
    severity: 'warning',
    title: `${changed.path} was changed ${sayDuration(context.clock.now() - changed.changedAt)} ago, after nginx had read its configuration.`,
    since: changed.changedAt,
    suggestions: [
      { playbook: 'nginx.reload_safe', parameters: {}, why: 'It tests the configuration and has nginx read it.' },
    ],
  });
}

function lookAtErrorLog(report: Report, context: ObserveContext, blocks: readonly ServerBlock[]): void {
  const text = readLog(report, 'error.log');
  if (text === null) return;
  const recent = recentErrorLines(text, context.clock.now() - WINDOW_MS);
  report.figure('errors_15m', recent.filter((line) => / \[(error|crit|alert|emerg)\] /.test(line)).length);
  for (const { upstream, times, reason, example } of readUpstreamErrors(recent).slice(0, 5))
    report.add({
      kind: 'nginx.upstream_errors',
      severity: 'critical',
      title: `${upstream} ${reason}: ${count(times, 'request')} failed in the last 15 minutes.`,
      evidence: [['/var/log/nginx/error.log', example]],
      causes: [
        'The service behind nginx is down or overloaded: run network_ports with its port, and service with its name.',
      ],
      suggestions: maintenanceFor(upstream, blocks),
    });
}

function lookAtAccessLog(report: Report, context: ObserveContext): void {
  const text = readLog(report, 'access.log');
  if (text === null) return;
  const figures = readAccessLog(text, context.clock.now() - WINDOW_MS);
  report.figure('requests_15m', figures.requests);
  report.figure('server_errors_15m', figures.serverErrors);
  if (figures.serverErrors === 0) return;
  const share = figures.serverErrors / figures.requests;
  report.add({
    kind: 'nginx.server_errors',
    severity: share >= SERVER_ERRORS_MANY ? 'critical' : 'warning',
    title: `${figures.serverErrors} of ${figures.requests} requests in the last 15 minutes were answered with a server error, ${figures.gatewayErrors} of them with 502 to 504.`,
    evidence: [
      [
        '/var/log/nginx/access.log, server errors by path',
        figures.worstPaths.map(({ path, errors }) => `${errors}  ${path}`).join('\n'),
      ],
    ],
  });
}

function readLog(report: Report, name: string): string | null {
  try {
    return readTail(`/var/log/nginx/${name}`, LOG_ROOTS, LOG_BYTES).text;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code !== 'file_not_found')
      report.blind(`/var/log/nginx/${name}`, String(error.slots.reason ?? 'it cannot be read'));
    return null;
  }
}
