import { durationMs } from '@countersign/protocol';
import { deniedBecause } from '../../host/files.ts';
import { readTextOrNull } from '../../host/look.ts';
import { readAllMounts } from '../../host/mounts.ts';
import type { LocalRules, ObserveContext, Observer } from '../capability.ts';
import { writableRoots } from '../files/roots.ts';
import { printJournal, readJournal } from '../logs/journal.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report } from '../report.ts';
import { readDiskHealth } from './disk-health.ts';
import { parseMdstat, parseScan, readOnlyByMistake, TELLS_OF_IO_ERROR } from './storage.ts';

const DEVICES_MAX = 8;
const KERNEL_LINES = 1000;
const LINES = 15;

/** What is below the files: mounts that went read-only, arrays, the disks' own word, and complaints of the kernel. */
export const storageHw: Observer<'storage_hw'> = async ({ since }, context) => {
  const report = new Report(context);
  // At the same time: each may take most of the time there is, a failing disk above all.
  const [errors] = await Promise.all([
    lookAtKernel(report, context, context.clock.now() - durationMs(since)),
    lookAtDisks(report, context),
  ]);
  lookAtMounts(report, errors, context.localPolicy);
  lookAtArrays(report);
  if (report.isCalm)
    report.add({
      kind: 'storage.calm',
      severity: 'ok',
      title: 'No disk, array or mount is in trouble, as far as seen.',
    });
  return report.finish();
};

/** How many I/O errors the kernel told of; `null` when that cannot be seen. */
async function lookAtKernel(report: Report, context: ObserveContext, since: number): Promise<number | null> {
  const answer = await readJournal(context, {
    matches: ['_TRANSPORT=kernel'],
    since,
    lines: KERNEL_LINES,
    grep: TELLS_OF_IO_ERROR,
  });
  if (answer.blind !== null) {
    report.blind('Messages of the kernel', answer.blind);
    return null;
  }
  const errors = answer.lines;
  report.figure('io_errors', errors.length);
  if (errors.length > 0)
    report.add({
      kind: 'storage.io_errors',
      severity: 'critical',
      title: `The kernel told of ${count(errors.length, 'I/O error')}.`,
      since: errors[0]?.at,
      evidence: [['kernel log', printJournal(errors.slice(-LINES))]],
      causes: ['A disk is failing.', 'The storage below a virtual machine was cut off for a while.'],
    });
  return errors.length;
}

function lookAtMounts(report: Report, errors: number | null, rules: LocalRules): void {
  const mistaken = readOnlyByMistake(readAllMounts(), readTextOrNull('/etc/fstab') ?? '');
  report.figure('read_only_mounts', mistaken.length);
  for (const { mount, source, type } of mistaken)
    report.add({
      kind: 'storage.read_only',
      severity: 'critical',
      title: `${mount} (${type} on ${source}) is read-only, and /etc/fstab does not say that it should be.`,
      causes: ['The kernel made it so after an error of the disk.', 'Somebody mounted it so.'],
      // Writing on a disk that fails makes it worse.
      suggestions:
        (errors !== null && errors > 0) || deniedBecause(mount, writableRoots(rules)) !== undefined
          ? []
          : [
              {
                playbook: 'fs.remount_rw',
                parameters: { path: mount },
                why: 'The kernel log shows no I/O error; when the cause is gone it can be written to again.',
              },
            ],
    });
}

function lookAtArrays(report: Report): void {
  const text = readTextOrNull('/proc/mdstat');
  const arrays = text === null ? [] : parseMdstat(text);
  report.figure('arrays', arrays.length);
  for (const { name, members, missing } of arrays.filter((array) => array.missing > 0))
    report.add({
      kind: 'storage.raid_degraded',
      severity: 'critical',
      title: `Array ${name} runs without ${count(missing, 'member')} of ${members}.`,
      evidence: [['/proc/mdstat', text ?? '']],
      causes: ['A disk failed or was taken out.'],
    });
}

async function lookAtDisks(report: Report, context: ObserveContext): Promise<void> {
  const scan = await context.exec({ argv: ['smartctl', '--scan', '-j'], timeoutMs: 5000, signal: context.signal });
  if (scan.notStarted === 'ENOENT') {
    report.blind('The health that disks tell of themselves', 'smartctl is not installed');
    return;
  }
  const devices = parseScan(scan.stdout).slice(0, DEVICES_MAX);
  report.figure('disks', devices.length);
  await orBlind(report, 'The health of disks', async () => {
    await Promise.all(devices.map((device) => lookAtDisk(report, context, device)));
  });
}

async function lookAtDisk(report: Report, context: ObserveContext, device: string): Promise<void> {
  const health = await readDiskHealth(context, device);
  if (health === null) report.blind(`The health of ${device}`, 'the disk does not tell it');
  else if (health === 'failing')
    report.add({
      kind: 'storage.disk_failing',
      severity: 'critical',
      title: `${device} says of itself that it is failing (SMART).`,
      causes: ['The disk is worn out or damaged: save what it holds and replace it.'],
    });
}
