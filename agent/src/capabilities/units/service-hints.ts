/** What else is wrong with a unit that runs: it stands still, has not read its configuration, or will be gone after a boot. */
import { newestFileBelow, statOrNull } from '../../host/look.ts';
import { readProcess } from '../../host/processes.ts';
import type { Report } from '../report.ts';
import { sayDuration } from '../report.ts';
import type { UnitState } from './unit-state.ts';

/** Adds nothing for units that do not run. `now`: milliseconds since 1970. */
export function addHints(report: Report, state: UnitState, now: number): void {
  if (state.activeState !== 'active') return;
  addStandsStill(report, state);
  addConfigurationChanged(report, state, now);
  addNotEnabled(report, state);
}

/** `T`: stopped by a signal, as by Ctrl-Z or a debugger. Source: proc_pid_stat(5). */
function addStandsStill(report: Report, { name, mainPid }: UnitState): void {
  const main = mainPid > 0 ? readProcess(mainPid) : null;
  if (main?.state !== 'T') return;
  report.add({
    kind: 'service.stands_still',
    severity: 'critical',
    title: `${name} is active, but its main process ${mainPid} (${main.name}) was stopped by a signal and does nothing.`,
    evidence: [['/proc, state of the main process', `${mainPid} ${main.name} ${main.state}`]],
    causes: ['Somebody or something sent it SIGSTOP, and nobody SIGCONT.'],
    suggestions: [{ playbook: 'service.restart', parameters: { unit: name }, why: 'A restart makes it run again.' }],
  });
}

/** By the places where Debian's services keep their configuration. It was read at the last start or reload, whichever was later. */
function addConfigurationChanged(report: Report, state: UnitState, now: number): void {
  const { name, changedAt, canReload } = state;
  const own = name.replace(/(@.*)?\.service$/, '');
  const changed = [
    newestFileBelow(`/etc/${own}`),
    ...[`/etc/${own}.conf`, `/etc/default/${own}`].map((path) => {
      const stat = statOrNull(path);
      return stat?.isFile() ? { path, changedAt: stat.mtimeMs } : null;
    }),
  ]
    .filter((file) => file !== null)
    .toSorted((a, b) => b.changedAt - a.changedAt)[0];
  // systemd tells the time in whole seconds.
  if (changed === undefined || changedAt === null || changed.changedAt < changedAt + 1000) return;
  report.add({
    kind: 'service.configuration_changed',
    severity: 'info',
    title: `${changed.path} was changed ${sayDuration(Math.max(0, now - changed.changedAt))} ago, after ${name} was started or reloaded.`,
    since: changed.changedAt,
    causes: ['Somebody changed its configuration and did not have it read.'],
    suggestions: [
      canReload
        ? {
            playbook: 'service.reload',
            parameters: { unit: name },
            why: 'It reads its configuration and keeps running.',
          }
        : {
            playbook: 'service.restart',
            parameters: { unit: name },
            why: 'It reads its configuration at its start only.',
          },
    ],
  });
}

/** Running now and gone after the next boot. */
function addNotEnabled(report: Report, { name, unitFileState }: UnitState): void {
  if (unitFileState !== 'disabled') return;
  report.add({
    kind: 'service.not_enabled',
    severity: 'info',
    title: `${name} runs, but is not started at boot.`,
    causes: ['Somebody started it by hand and forgot to enable it, or another unit starts it when it is needed.'],
    suggestions: [
      {
        playbook: 'service.enable_disable',
        parameters: { unit: name, on: true },
        why: 'It is started at boot from then on.',
      },
    ],
  });
}
