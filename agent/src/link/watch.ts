/**
 * Alerts that a server makes itself. A figure beyond its threshold for long enough fires once, its return resolves it. Pure:
 * readings in, alerts out; what fires is part of the state, which is kept on disk, so that a restart neither repeats nor
 * forgets one.
 */
import type { AgentAlert, Thresholds } from '@countersign/protocol/agent-wire/facts';
import type { z } from 'zod';
import type { watchStateSchema } from './kept.ts';

type Kind = AgentAlert['kind'];
type Severity = AgentAlert['severity'];

/** What is known of one thing that can go wrong, now. */
export interface Reading {
  readonly kind: Kind;
  /** Tells things of a kind apart: the mount, the unit, the file. */
  readonly key: string;
  /** `null`: all is well. */
  readonly trouble: { readonly severity: Severity; readonly title: string } | null;
  /** How long it has to stay, milliseconds. */
  readonly forMs: number;
}

/** Kinds whose readings are complete this time: what is not among them is well again, or gone. */
export interface Round {
  readonly complete: readonly Kind[];
  readonly readings: readonly Reading[];
}

export type WatchState = z.infer<typeof watchStateSchema>;
type Firing = WatchState['firing'][number];

const DAY_MS = 24 * 3_600_000;
const OOM_RESOLVES_MS = 15 * 60_000;

export class Watch {
  readonly #firing = new Map<string, Firing>();
  /** Since when trouble is seen that does not fire yet, on the monotonic clock. */
  readonly #since = new Map<string, { readonly kind: Kind; readonly at: number }>();

  constructor(state: WatchState = { firing: [] }) {
    for (const alert of state.firing) this.#firing.set(keyOf(alert), alert);
  }

  get state(): WatchState {
    return { firing: [...this.#firing.values()] };
  }

  /** Takes a round of readings; returns the alerts that begin, get worse, or end. `at`: wall clock, `now`: monotonic, both ms. */
  take(round: Round, at: number, now: number): AgentAlert[] {
    const seen = new Set<string>();
    const alerts = round.readings.flatMap((reading) => {
      seen.add(keyOf(reading));
      return reading.trouble ? this.#trouble(reading, reading.trouble, at, now) : this.#well(keyOf(reading), at);
    });
    const gone = [...this.#firing].filter(([key, { kind }]) => !seen.has(key) && round.complete.includes(kind));
    for (const [key] of gone) alerts.push(...this.#well(key, at));
    for (const [key, { kind }] of this.#since)
      if (!seen.has(key) && round.complete.includes(kind)) this.#since.delete(key);
    return alerts;
  }

  #trouble(reading: Reading, trouble: NonNullable<Reading['trouble']>, at: number, now: number): AgentAlert[] {
    const key = keyOf(reading);
    const since = this.#since.get(key) ?? { kind: reading.kind, at: now };
    this.#since.set(key, since);
    const fires = this.#firing.get(key);
    if (fires ? fires.severity === trouble.severity : now - since.at < reading.forMs) return [];
    const alert = { kind: reading.kind, key: reading.key, severity: trouble.severity, title: trouble.title };
    this.#firing.set(key, alert);
    return [{ ...alert, state: 'firing', at }];
  }

  #well(key: string, at: number): AgentAlert[] {
    this.#since.delete(key);
    const fired = this.#firing.get(key);
    if (!fired) return [];
    this.#firing.delete(key);
    return [{ ...fired, state: 'resolved', at }];
  }
}

/** Figures that are read with every heartbeat. */
export interface Figures {
  readonly mounts: readonly { readonly mount: string; readonly usedRatio: number }[];
  readonly memoryUsedRatio: number;
  readonly load1PerCpu: number;
  /** `null`: nobody could say. */
  readonly failedUnits: readonly string[] | null;
  /** Processes that the out-of-memory killer ended since the boot; `null` where the kernel does not count. */
  readonly oomKills: number | null;
}

/** Says how often the out-of-memory killer struck lately. */
export class OomCount {
  #last: number | null = null;
  #recent: { readonly at: number; readonly kills: number }[] = [];

  /** How many processes it ended within the last quarter of an hour. `now`: monotonic. */
  take(kills: number | null, now: number): number {
    if (kills !== null && this.#last !== null && kills > this.#last)
      this.#recent.push({ at: now, kills: kills - this.#last });
    this.#last = kills ?? this.#last;
    this.#recent = this.#recent.filter(({ at }) => now - at < OOM_RESOLVES_MS);
    return this.#recent.reduce((sum, recent) => sum + recent.kills, 0);
  }
}

/** Compares figures with thresholds. */
export function judgeFigures(figures: Figures, thresholds: Thresholds, recentOomKills: number): Round {
  const forMs = thresholds.forSeconds * 1000;
  const { mounts, memoryUsedRatio, load1PerCpu, failedUnits } = figures;
  const disks = mounts.map(({ mount, usedRatio }) =>
    reading(
      'disk',
      mount,
      forMs,
      usedRatio >= thresholds.diskUsedRatio,
      usedRatio >= 0.97 ? 'critical' : 'warning',
      `${mount} is ${percent(usedRatio)} full`,
    ),
  );
  const memory = reading(
    'memory',
    'memory',
    forMs,
    memoryUsedRatio >= thresholds.memoryUsedRatio,
    memoryUsedRatio >= 0.97 ? 'critical' : 'warning',
    `Memory is ${percent(memoryUsedRatio)} used`,
  );
  const load = reading(
    'load',
    'load',
    forMs,
    load1PerCpu >= thresholds.load1PerCpu,
    'warning',
    `Load is ${load1PerCpu.toFixed(1)} per processor`,
  );
  const units = (thresholds.failedUnits ? (failedUnits ?? []) : []).map((unit) =>
    reading('failed_unit', unit, 0, true, 'warning', `${unit} has failed`),
  );
  const plural = recentOomKills === 1 ? 'one process' : `${recentOomKills} processes`;
  const oom = reading(
    'oom',
    'kernel',
    0,
    thresholds.outOfMemory && recentOomKills > 0,
    'critical',
    `Out of memory: the kernel ended ${plural}`,
  );
  const complete: Kind[] = ['disk', 'memory', 'load', 'oom'];
  if (failedUnits !== null || !thresholds.failedUnits) complete.push('failed_unit');
  return { complete, readings: [...disks, memory, load, ...units, oom] };
}

/** Compares certificates with the threshold. `at`: wall clock. */
export function judgeCertificates(
  certificates: readonly { path: string; endsAt: number }[],
  thresholds: Thresholds,
  at: number,
): Round {
  const readings = certificates.map(({ path, endsAt }) => {
    const days = (endsAt - at) / DAY_MS;
    const title =
      days < 0 ? `The certificate ${path} has expired` : `The certificate ${path} expires in ${inDays(days)}`;
    return reading(
      'certificate',
      path.slice(-500),
      0,
      days < thresholds.certificateDays,
      days < 3 ? 'critical' : 'warning',
      title,
    );
  });
  return { complete: ['certificate'], readings };
}

function reading(kind: Kind, key: string, forMs: number, wrong: boolean, severity: Severity, title: string): Reading {
  return { kind, key: key.slice(0, 500), forMs, trouble: wrong ? { severity, title: title.slice(0, 300) } : null };
}

const keyOf = ({ kind, key }: { kind: Kind; key: string }) => `${kind} ${key}`;
const percent = (ratio: number) => `${Math.floor(ratio * 100)} %`;
const inDays = (days: number) => (days < 1 ? 'less than a day' : days < 2 ? 'one day' : `${Math.floor(days)} days`);
