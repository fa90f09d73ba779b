import { readMounts, roomOrNull } from '../../host/mounts.ts';
import { readCpuCount, readLoad, readMemory, readPressure, readUptimeS } from '../../host/system.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { Report, sayBytes, sayDuration, sayRatio } from '../report.ts';
import { readFailedUnits } from '../units/unit-state.ts';

const LOAD_HIGH = 2;
const LOAD_CRITICAL = 6;
const MEMORY_LOW = 0.08;
const MEMORY_CRITICAL = 0.03;
const DISK_HIGH = 0.9;
const DISK_CRITICAL = 0.97;
const JUST_BOOTED_S = 900;

/** Load, memory, pressure, mounts and failed units. Starts one process (`systemctl`) and needs no root. */
export const overview: Observer<'overview'> = async (_, context) => {
  const report = new Report(context);
  lookAtLoad(report);
  lookAtMemory(report);
  lookAtPressure(report);
  lookAtMounts(report);
  await lookAtUnits(report, context);
  const uptime = readUptimeS();
  report.figure('uptime_s', Math.round(uptime));
  if (uptime < JUST_BOOTED_S)
    report.add({
      kind: 'host.booted',
      severity: 'info',
      title: `The server was booted ${sayDuration(uptime * 1000)} ago.`,
      since: context.clock.now() - uptime * 1000,
    });
  if (report.isCalm)
    report.add({
      kind: 'overview.calm',
      severity: 'ok',
      title: 'Load, memory, disks and units are as they should be.',
    });
  return report.finish();
};

function lookAtLoad(report: Report): void {
  const cpus = readCpuCount();
  const { load1, load5, load15 } = readLoad();
  const perCore = load1 / cpus;
  report.figure('cpus', cpus);
  report.figure('load_per_core', perCore);
  if (perCore < LOAD_HIGH) return;
  report.add({
    kind: 'load.high',
    severity: perCore >= LOAD_CRITICAL ? 'critical' : 'warning',
    title: `The load is ${perCore.toFixed(1)} per core.`,
    evidence: [['/proc/loadavg', `${load1} ${load5} ${load15} (1, 5, 15 minutes) on ${cpus} cores`]],
    causes: [
      'Processes that use all CPU: run cpu_runaway.',
      'Processes that wait for a slow disk: see the pressure on io.',
    ],
  });
}

function lookAtMemory(report: Report): void {
  const { totalBytes, availableBytes, swapTotalBytes, swapFreeBytes } = readMemory();
  const available = availableBytes / Math.max(1, totalBytes);
  report.figure('memory_total_bytes', totalBytes);
  report.figure('memory_available_bytes', availableBytes);
  report.figure('swap_used_bytes', swapTotalBytes - swapFreeBytes);
  if (available >= MEMORY_LOW) return;
  report.add({
    kind: 'memory.low',
    severity: available < MEMORY_CRITICAL ? 'critical' : 'warning',
    title: `Only ${sayBytes(availableBytes)} of ${sayBytes(totalBytes)} of memory can still be given out.`,
    causes: ['A process that leaks or has outgrown the server: run memory_oom.'],
  });
}

function lookAtPressure(report: Report): void {
  const limits = { cpu: 60, memory: 10, io: 40 } as const;
  for (const resource of ['cpu', 'memory', 'io'] as const) {
    const pressure = readPressure(resource);
    report.figure(`pressure_${resource}_60s`, pressure?.some60 ?? null);
    if (pressure === null || pressure.some60 < limits[resource]) continue;
    report.add({
      kind: `pressure.${resource}`,
      severity: 'warning',
      title: `In the last minute tasks waited for ${resource} ${pressure.some60.toFixed(0)} % of the time.`,
      evidence: [
        [
          `/proc/pressure/${resource}`,
          `some avg10=${pressure.some10} avg60=${pressure.some60} full avg60=${pressure.full60}`,
        ],
      ],
    });
  }
}

function lookAtMounts(report: Report): void {
  const { mounts, network } = readMounts();
  const seen = mounts.flatMap((mount) => {
    const room = roomOrNull(mount.mount);
    return room === null ? [] : [{ ...mount, ...room }];
  });
  const fullest = seen.filter((mount) => !mount.readOnly).toSorted((a, b) => b.usedRatio - a.usedRatio);
  report.figure('fullest_mount', fullest[0] ? `${fullest[0].mount} ${sayRatio(fullest[0].usedRatio)}` : null);
  for (const mount of fullest) {
    const ratio = Math.max(mount.usedRatio, mount.inodesUsedRatio);
    if (ratio < DISK_HIGH) continue;
    const inodes = mount.inodesUsedRatio > mount.usedRatio;
    report.add({
      kind: inodes ? 'disk.inodes_full' : 'disk.mount_full',
      severity: ratio >= DISK_CRITICAL ? 'critical' : 'warning',
      title: inodes
        ? `${mount.mount} has used ${sayRatio(ratio)} of its inodes.`
        : `${mount.mount} is ${sayRatio(ratio)} full; ${sayBytes(mount.bytesFree)} are free.`,
      causes: [
        inodes ? 'Very many small files: run inodes.' : 'Logs, caches or deleted files that are still open: run disk.',
      ],
    });
  }
  if (network.length > 0)
    report.blind(
      `Room on ${network.map(({ mount }) => mount).join(', ')}`,
      'network mounts are not asked, since they may hang',
    );
}

async function lookAtUnits(report: Report, context: ObserveContext): Promise<void> {
  const failed = await orBlind(report, 'Failed units', () => readFailedUnits(context));
  report.figure('failed_units', failed?.length ?? null);
  if (failed === null || failed.length === 0) return;
  report.add({
    kind: 'units.failed',
    severity: 'warning',
    title: `${failed.length === 1 ? 'One unit has' : `${failed.length} units have`} failed: ${failed.slice(0, 8).join(', ')}.`,
    evidence: [['systemctl list-units --failed', failed.join('\n')]],
    causes: ['Run service with the name of a unit for its state and last lines.'],
  });
}
