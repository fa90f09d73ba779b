import { readTextOrNull, statOrNull } from '../../host/look.ts';
import { TICKS_PER_SECOND } from '../../host/processes.ts';
import { readUptimeS } from '../../host/system.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayBytes, sayDuration } from '../report.ts';
import {
  ARCHIVES,
  ARCHIVES_BIG_BYTES,
  readArchives,
  readHalfDone,
  readPackageLockHolders,
  readUpgrades,
} from './apt.ts';
import { readOutdated } from './needrestart.ts';

const LISTS_OLD_MS = 7 * 86_400_000;
const LOCK_LONG_MS = 10 * 60_000;
const SHOWN = 40;

/** The state of Debian's packages: what is half done first, since nothing else can be done before that is mended. */
export const packages: Observer<'packages'> = async (_, context) => {
  const report = new Report(context);
  if (statOrNull('/var/lib/dpkg/status') === null) {
    report.add({ kind: 'packages.none', severity: 'info', title: 'This server has no Debian packages (no dpkg).' });
    return report.finish();
  }
  const locked = lookAtLock(report);
  await Promise.all([
    orBlind(report, 'Half-installed packages', () => lookAtHalfDone(report, context, locked)),
    orBlind(report, 'Updates', () => lookAtUpgrades(report, context)),
    orBlind(report, 'Services that run outdated programs', () => lookAtOutdated(report, context)),
  ]);
  lookAtReboot(report);
  lookAtArchives(report);
  if (report.isCalm) report.add({ kind: 'packages.calm', severity: 'ok', title: 'The packages are in order.' });
  return report.finish();
};

/** Whether somebody works on the packages right now. */
function lookAtLock(report: Report): boolean {
  const holders = readPackageLockHolders();
  report.figure('lock_holders', holders.length);
  for (const { pid, name, command, startedTicks } of holders) {
    const ms = (readUptimeS() - startedTicks / TICKS_PER_SECOND) * 1000;
    report.add({
      kind: 'packages.lock_held',
      severity: ms >= LOCK_LONG_MS ? 'warning' : 'info',
      title: `${name} (process ${pid}) has held the lock of the package database; it runs for ${sayDuration(ms)}.`,
      evidence: [['its command line', command]],
      causes: [
        'An update runs, by hand or by unattended-upgrades.',
        'An update waits for an answer that nobody gives.',
      ],
    });
  }
  return holders.length > 0;
}

async function lookAtHalfDone(report: Report, context: ObserveContext, locked: boolean): Promise<void> {
  const half = await readHalfDone(context);
  report.figure('half_done', half.length);
  if (half.length === 0) return;
  const names = half.slice(0, 5).map(({ name }) => name);
  report.add({
    kind: 'packages.half_configured',
    severity: 'warning',
    title: `${count(half.length, 'package is', 'packages are')} half installed: ${names.join(', ')}${half.length > 5 ? ' and others' : ''}.`,
    evidence: [
      [
        'dpkg-query',
        half
          .slice(0, SHOWN)
          .map(({ name, status }) => `${name}: ${status}`)
          .join('\n'),
      ],
    ],
    causes: ['An update was cut off.', 'A script of the package failed.', 'The disk was full during an update.'],
    suggestions: locked
      ? []
      : [
          {
            playbook: 'apt.unlock_repair',
            parameters: {},
            why: 'Nobody holds the lock; dpkg can finish what was begun.',
          },
        ],
  });
}

async function lookAtUpgrades(report: Report, context: ObserveContext): Promise<void> {
  const upgrades = await readUpgrades(context);
  const security = upgrades.filter((upgrade) => upgrade.security);
  report.figure('updates', upgrades.length);
  report.figure('security_updates', security.length);
  const lists = statOrNull('/var/lib/apt/lists/partial') ?? statOrNull('/var/lib/apt/lists');
  const age = lists === null ? null : context.clock.now() - lists.mtimeMs;
  if (age !== null && age > LISTS_OLD_MS)
    report.add({
      kind: 'packages.lists_old',
      severity: 'info',
      title: `The lists of packages are ${sayDuration(age)} old, so newer updates are not known.`,
      causes: ['apt-daily.timer does not run, or the package server cannot be reached.'],
    });
  if (security.length > 0)
    report.add({
      kind: 'packages.security_updates',
      severity: 'warning',
      title: `${count(security.length, 'security update is', 'security updates are')} not installed.`,
      evidence: [
        [
          'apt-get -s upgrade',
          security
            .slice(0, SHOWN)
            .map(({ name, from, to }) => `${name} ${from ?? 'new'} -> ${to}`)
            .join('\n'),
        ],
      ],
      causes: ['unattended-upgrades is not installed, is off, or failed.'],
      suggestions: [{ playbook: 'pkg.security_updates', parameters: {}, why: 'It installs security updates only.' }],
    });
  else if (upgrades.length > 0)
    report.add({
      kind: 'packages.updates',
      severity: 'info',
      title: `${count(upgrades.length, 'update is', 'updates are')} not installed; none of them is known to be about security.`,
    });
}

async function lookAtOutdated(report: Report, context: ObserveContext): Promise<void> {
  const outdated = await readOutdated(context);
  if (outdated === null) return;
  report.figure('outdated_services', outdated.services.length);
  if (outdated.services.length > 0)
    report.add({
      kind: 'packages.services_outdated',
      severity: 'info',
      title: `${count(outdated.services.length, 'service still runs', 'services still run')} programs that an update replaced: ${outdated.services.slice(0, 5).join(', ')}.`,
      suggestions: outdated.services.slice(0, 3).map((unit) => ({
        playbook: 'service.restart',
        parameters: { unit },
        why: `${unit} uses the new program only after a restart.`,
      })),
    });
}

function lookAtReboot(report: Report): void {
  const due = statOrNull('/run/reboot-required');
  report.figure('reboot_required', due !== null);
  if (due === null) return;
  report.add({
    kind: 'packages.reboot_required',
    severity: 'info',
    title: 'An update takes effect only after a reboot.',
    since: due.mtimeMs,
    evidence: [['/run/reboot-required.pkgs', readTextOrNull('/run/reboot-required.pkgs') ?? '']],
    causes: ['A new kernel or a library that everything uses was installed.'],
    suggestions: [
      {
        playbook: 'host.reboot',
        parameters: { reason: 'An update waits for it' },
        why: 'Only a restart brings it in.',
      },
    ],
  });
}

function lookAtArchives(report: Report): void {
  const { files, bytes } = readArchives();
  report.figure('archive_bytes', bytes);
  if (bytes < ARCHIVES_BIG_BYTES) return;
  report.add({
    kind: 'packages.archives_big',
    severity: 'info',
    title: `apt keeps ${count(files, 'downloaded package')} with ${sayBytes(bytes)} in ${ARCHIVES}.`,
    suggestions: [{ playbook: 'disk.apt_clean', parameters: {}, why: 'They can be downloaded again.' }],
  });
}
