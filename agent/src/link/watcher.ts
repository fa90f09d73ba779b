/** Looks for trouble with every heartbeat and hands the alerts on. Reads `/proc` and asks systemd; certificates are the runner's to read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@countersign/protocol';
import type { AgentAlert, StatusSample, Thresholds } from '@countersign/protocol/agent-wire/facts';
import { shapeOf } from '@countersign/protocol/form';
import { defaultThresholds, watchStateForm } from '../ahead.ts';
import { Disks, readStatusSample } from '../host/facts.ts';
import { failedUnits } from '../host/failed-units.ts';
import type { Log } from '../host/log.ts';
import { readOwnFile, replaceOwnFile } from '../host/own-files.ts';
import { figureAfter, readCpuCount } from '../host/system.ts';
import { schemas } from '../late.ts';
import type { Certificate } from '../run/runner-wire.ts';
import { judgeCertificates, judgeFigures, OomCount, type Round, Watch } from './watch.ts';

const CERTIFICATES_EVERY_MS = 6 * 3_600_000;
const CPUS_EVERY_MS = 10 * 60_000;
const CERTIFICATES_MS = 30_000;
const STATE_BYTES_MAX = 1024 * 1024;

const watchStateShape = shapeOf(watchStateForm, () => schemas().watchStateSchema);

export interface WatcherDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly stateDir: string;
  readonly certificates: (signal: AbortSignal) => Promise<readonly Certificate[]>;
  readonly onAlert: (alert: AgentAlert) => void;
}

export class Watcher {
  readonly #deps: WatcherDeps;
  readonly #file: string;
  readonly #watch: Watch;
  readonly #oom = new OomCount();
  #thresholds: Thresholds = defaultThresholds;
  #certificatesAt: number | null = null;
  readonly #disks = new Disks();
  #cpus: { readonly count: number; readonly at: number } | null = null;

  constructor(deps: WatcherDeps) {
    this.#deps = deps;
    this.#file = join(deps.stateDir, 'alerts.json');
    this.#watch = new Watch(readState(this.#file, deps.log));
  }

  set thresholds(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  /** Reads the present figures; raises and resolves alerts on the way. */
  async sample(): Promise<StatusSample> {
    const { clock } = this.#deps;
    // Our own steps are reported as actions.
    const failed = (await failedUnits(clock))?.filter((unit) => !unit.startsWith('countersign-act_')) ?? null;
    const mounts = this.#disks.read();
    const sample = readStatusSample(clock, failed?.length ?? null, mounts, this.#countCpus());
    const figures = {
      mounts,
      memoryUsedRatio: sample.memoryUsedRatio,
      load1PerCpu: sample.load1PerCpu,
      failedUnits: failed,
      oomKills: readOomKills(),
    };
    const kills = this.#oom.take(figures.oomKills, clock.monotonic());
    this.#take(judgeFigures(figures, this.#thresholds, kills));
    this.#lookAtCertificates();
    return sample;
  }

  /** Processors seldom come and go, and `/proc/stat` is long on a large machine. */
  #countCpus(): number {
    const now = this.#deps.clock.monotonic();
    if (this.#cpus === null || now - this.#cpus.at >= CPUS_EVERY_MS) this.#cpus = { count: readCpuCount(), at: now };
    return this.#cpus.count;
  }

  #take(round: Round): void {
    const { clock, onAlert } = this.#deps;
    const alerts = this.#watch.take(round, clock.now(), clock.monotonic());
    if (alerts.length === 0) return;
    for (const alert of alerts) onAlert(alert);
    this.#save();
  }

  #save(): void {
    try {
      replaceOwnFile(this.#file, JSON.stringify(this.#watch.state), 0o600);
    } catch (error) {
      this.#deps.log.error('alerts.not_saved', { error });
    }
  }

  #lookAtCertificates(): void {
    const { clock, certificates, log } = this.#deps;
    const now = clock.monotonic();
    if (this.#certificatesAt !== null && now - this.#certificatesAt < CERTIFICATES_EVERY_MS) return;
    this.#certificatesAt = now;
    const controller = new AbortController();
    const cancel = clock.after(CERTIFICATES_MS, () => controller.abort(new Error('no answer in time')));
    certificates(controller.signal)
      .then((found) => this.#take(judgeCertificates(found, this.#thresholds, clock.now())))
      .catch((error: unknown) => log.warn('certificates.not_read', { error }))
      .finally(cancel);
  }
}

function readState(file: string, log: Log) {
  try {
    const stored = readOwnFile(file, STATE_BYTES_MAX);
    return stored === null ? { firing: [] } : watchStateShape.parse(JSON.parse(stored.bytes.toString('utf8')));
  } catch (error) {
    log.error('alerts.not_read', { error });
    return { firing: [] };
  }
}

/** Source: proc_vmstat(5), `oom_kill` (since Linux 4.13). */
function readOomKills(): number | null {
  return figureAfter(readFileSync('/proc/vmstat', 'utf8'), 'oom_kill ');
}
