/** What a server tells of itself when it connects, and with every heartbeat. Needs no root and starts no process. */
import { readFileSync } from 'node:fs';
import { arch, hostname, release } from 'node:os';
import type { Clock } from '@countersign/protocol';
import type { ServerFacts, StatusSample } from '@countersign/protocol/agent-wire/facts';
import { orNull, readTextOrNull } from './look.ts';
import { chooseMounts, isNetworkMount, type Mount, parseMounts, readMountText, roomHere } from './mounts.ts';
import { readSoftware } from './software.ts';
import { readCpuCount, readLoad, readMemory, readUptimeS } from './system.ts';
import { systemdRuns } from './unit.ts';

/** Facts of this machine. `root`: whether the runner is root, which the caller knows. */
export function readFacts({ clock, root }: { readonly clock: Clock; readonly root: boolean }): ServerFacts {
  return {
    hostname: hostname().slice(0, 255),
    os: readOs(),
    kernel: release(),
    arch: arch(),
    cpus: readCpuCount(),
    memoryBytes: readMemory().totalBytes,
    systemd: systemdRuns(),
    software: readSoftware(),
    root,
    bootId: readBootId(),
    bootedAt: Math.round(clock.now() - readUptimeS() * 1000),
  };
}

/** Differs after every boot. Source: random(4). */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** How full a disk is, from 0 to 1. */
export interface Fullness {
  readonly mount: string;
  readonly usedRatio: number;
}

/** How full the disks are that hold files of people. Which these are is worked out anew only when the mounts have changed. */
export class Disks {
  #text = '';
  #mounts: readonly string[] = [];

  read(): Fullness[] {
    const text = readMountText();
    if (text !== this.#text) {
      const lines = parseMounts(text);
      this.#mounts = chooseMounts(lines)
        .mounts.filter((mount) => canRunFull(mount) && !isNetworkMount(mount.mount, lines))
        .map(({ mount }) => mount);
      this.#text = text;
    }
    return this.#mounts.flatMap(usedRatioOf);
  }
}

/** A few figures of now. `failedUnits` comes from who may ask systemd. */
export function readStatusSample(
  clock: Clock,
  failedUnits: number | null = null,
  disks: readonly Fullness[] = new Disks().read(),
  cpus: number = readCpuCount(),
): StatusSample {
  const memory = readMemory();
  const fullest = disks.toSorted((a, b) => b.usedRatio - a.usedRatio)[0];
  return {
    at: clock.now(),
    load1PerCpu: readLoad().load1 / cpus,
    memoryUsedRatio: ratio(memory.totalBytes - memory.availableBytes, memory.totalBytes),
    swapUsedRatio: ratio(memory.swapTotalBytes - memory.swapFreeBytes, memory.swapTotalBytes),
    fullestMount: fullest ?? null,
    failedUnits,
    uptimeS: readUptimeS(),
  };
}

/** `NAME=value` lines of os-release(5). */
export function parseOsRelease(text: string): ServerFacts['os'] {
  const value = (name: string) =>
    (new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '').replace(/^(["'])(.*)\1$/, '$2').slice(0, 255);
  return {
    id: value('ID') || 'linux',
    name: value('PRETTY_NAME') || value('NAME') || 'Linux',
    version: value('VERSION_ID'),
  };
}

function readOs(): ServerFacts['os'] {
  const text = readTextOrNull('/etc/os-release');
  return text === null ? { id: 'linux', name: 'Linux', version: '' } : parseOsRelease(text);
}

/** Memory and read-only file systems do not run full by themselves. */
function canRunFull({ mount, type, readOnly }: Mount): boolean {
  return !readOnly && (type !== 'tmpfs' || mount === '/' || mount === '/tmp');
}

/** Nothing for a mount that cannot be asked. */
function usedRatioOf(mount: string): Fullness[] {
  const room = orNull(() => roomHere(mount));
  return room === null ? [] : [{ mount, usedRatio: ratio(room.usedRatio, 1) }];
}

function ratio(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(1, Math.max(0, part / whole));
}
