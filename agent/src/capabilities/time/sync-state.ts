/**
 * How the clock of this server is kept: which program does it, what it says of itself, and how far the clock is off by the
 * servers' own word. Nothing is set. Sources: timedatectl(1), systemd-timesyncd(8), chronyc(1).
 */
import { fault } from '@countersign/protocol';
import type { NtpAnswer } from '../../host/ntp-query.ts';
import { parseProperties, unitProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';
import { probeTimes } from '../network/local-probe.ts';

export const TIMESYNCD_UNIT = 'systemd-timesyncd.service';
/** Debian's name, and that of most others. */
export const CHRONY_UNITS = ['chrony.service', 'chronyd.service'] as const;

const ASK_MS = 5000;
const SERVERS_MAX = 4;

/** The program that keeps the clock. `null`: none is installed. */
export interface Keeper {
  readonly program: 'timesyncd' | 'chrony';
  readonly unit: string;
  readonly active: boolean;
}

export interface SyncState {
  readonly keeper: Keeper | null;
  /** Whether the keeper has heard the time from a server since it began. */
  readonly synchronised: boolean;
  readonly source: string | null;
  /** How far the servers' clocks are ahead of this one, milliseconds: the middle of what they say. `null`: none told. */
  readonly offsetMs: number | null;
  readonly servers: readonly NtpAnswer[];
  /** Whether the kernel counts its clock as right. */
  readonly kernelSays: boolean | null;
}

/** Reads it all. Rejects with `capability_failed` when systemd does not answer. */
export async function readSyncState(context: ObserveContext): Promise<SyncState> {
  const keeper = await readKeeper(context);
  const said = keeper?.active ? await askKeeper(context, keeper) : { heard: false, source: null, servers: [] };
  const configured = keeper?.program === 'timesyncd' ? await configuredServers(context) : [];
  const names = [...new Set([...said.servers, ...configured])].slice(0, SERVERS_MAX);
  const servers = await probeTimes(context, names);
  return {
    keeper,
    synchronised: said.heard,
    source: said.source,
    offsetMs: middle(servers.flatMap(({ offset_ms }) => offset_ms ?? [])),
    servers,
    kernelSays: await kernelSays(context),
  };
}

/** Which program keeps the clock: the one that runs, else the one that is there. */
export async function readKeeper(context: ObserveContext): Promise<Keeper | null> {
  const found: Keeper[] = [];
  for (const unit of [...CHRONY_UNITS, TIMESYNCD_UNIT]) {
    const { LoadState, ActiveState } = await unitProperties(context.exec, unit, ['LoadState', 'ActiveState']);
    const program = unit === TIMESYNCD_UNIT ? 'timesyncd' : 'chrony';
    if (LoadState === 'loaded') found.push({ program, unit, active: ActiveState === 'active' });
  }
  return found.find(({ active }) => active) ?? found[0] ?? null;
}

interface Said {
  readonly heard: boolean;
  readonly source: string | null;
  readonly servers: readonly string[];
}

async function askKeeper(context: ObserveContext, { program }: Keeper): Promise<Said> {
  const argv = program === 'chrony' ? ['chronyc', '-c', '-n', 'tracking'] : ['timedatectl', 'show-timesync', '--all'];
  const done = await context.exec({ argv, timeoutMs: ASK_MS, hostNetwork: true, signal: context.signal });
  if (done.exitCode !== 0) return { heard: false, source: null, servers: [] };
  return program === 'chrony' ? parseTracking(done.stdout) : parseTimesync(done.stdout);
}

/** `chronyc -c tracking`: reference id, address, stratum, …, and how the leap second stands as the last field. */
export function parseTracking(text: string): Said {
  const fields = (text.trim().split('\n')[0] ?? '').split(',');
  const address = fields[1] ?? '';
  const heard = fields.length >= 14 && address !== '' && fields.at(-1) !== 'Not synchronised';
  return { heard, source: heard ? address : null, servers: heard ? [address] : [] };
}

/** `timedatectl show-timesync --all`. The address is empty while no server has been chosen, the message while none was heard. */
export function parseTimesync(text: string): Said {
  const found = parseProperties(text);
  const heard = /\bPacketCount=[1-9]/.test(found.NTPMessage ?? '') && !/\bIgnored=yes\b/.test(found.NTPMessage ?? '');
  const lists = [found.LinkNTPServers, found.RuntimeNTPServers, found.SystemNTPServers];
  const named = lists.flatMap((list) => words(list));
  const servers = named.length > 0 ? named : words(found.FallbackNTPServers);
  return { heard, source: heard ? (found.ServerAddress ?? null) : null, servers };
}

/** What the configuration of timesyncd names, with all its drop-ins; a later assignment adds, an empty one clears. */
async function configuredServers(context: ObserveContext): Promise<string[]> {
  const argv = ['systemd-analyze', 'cat-config', 'systemd/timesyncd.conf'];
  const done = await context.exec({ argv, timeoutMs: ASK_MS, signal: context.signal });
  return done.exitCode === 0 ? parseTimesyncConfig(done.stdout) : [];
}

/** Servers of `NTP=`, else of `FallbackNTP=`, else those built in, which the file shows behind `#`. Source: timesyncd.conf(5). */
export function parseTimesyncConfig(text: string): string[] {
  const lists = { NTP: [] as string[], FallbackNTP: [] as string[] };
  for (const line of text.split('\n')) {
    const found = /^\s*(NTP|FallbackNTP)\s*=(.*)$/.exec(line);
    if (found === null) continue;
    const name = found[1] as keyof typeof lists;
    lists[name] = (found[2] ?? '').trim() === '' ? [] : [...lists[name], ...words(found[2])];
  }
  if (lists.NTP.length > 0) return lists.NTP;
  return lists.FallbackNTP.length > 0 ? lists.FallbackNTP : words(/^#FallbackNTP=(.*)$/m.exec(text)?.[1]);
}

/** Host names and addresses of a list; what is neither is left out. */
const words = (list: string | undefined) =>
  (list ?? '').split(/\s+/).filter((word) => /^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/.test(word));

async function kernelSays(context: ObserveContext): Promise<boolean | null> {
  const done = await context.exec({ argv: ['timedatectl', 'show'], timeoutMs: ASK_MS, signal: context.signal });
  const said = parseProperties(done.stdout).NTPSynchronized;
  return said === undefined ? null : said === 'yes';
}

function middle(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** The keeper, or why there is nothing to be done. */
export function requireKeeper({ keeper }: Pick<SyncState, 'keeper'>): Keeper {
  if (keeper !== null) return keeper;
  throw fault('precondition_failed', {
    reason: 'neither systemd-timesyncd nor chrony is installed on the server, so nothing keeps its clock',
  });
}
