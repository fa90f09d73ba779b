/**
 * Reports of one agent, stored in their order as far as they are of one action; those of different actions that wait at the same
 * time are stored side by side, so that they share a commit. While too many wait, nothing more is read from the agent, so that a flood
 * costs its sender and nobody else (threat T13). Acknowledged in batches, and only up to what is stored without a gap.
 */
import { type Clock, Fault } from '@countersign/protocol';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { failPoint } from '../fail-points.ts';
import { cleanChunk } from './clean-arrival.ts';
import type { FleetLimits } from './limits.ts';
import type { Wire } from './wire.ts';

export type Report = Extract<FromAgent, { type: 'started' | 'refused' | 'step' | 'output' | 'finished' | 'alert' }>;

type OutputReport = Extract<Report, { type: 'output' }>;

/**
 * Stores one report of a server, and with a chunk of output those `further` ones of the same action that came right behind it. Rejects with a `Fault` that is not retryable when the report will never be accepted (it
 * concerns another server's action, say); with anything else when it should be sent again.
 */
export type TakeReport = (serverId: string, report: Report, further: readonly OutputReport[]) => Promise<void>;

interface QueueDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly limits: Pick<FleetLimits, 'reportsWaiting' | 'reportBytesWaiting'>;
  readonly wire: Pick<Wire, 'pause' | 'resume'>;
  readonly take: (report: Report, further: readonly OutputReport[]) => Promise<void>;
  readonly acknowledge: (seq: number) => void;
  readonly failed: (error: unknown) => void;
  /** Waits a while for each report that is refused: each leaves an audit entry, and nobody shall fill the log with them. */
  readonly afterRefusal: () => Promise<void>;
}

/** After so many stored reports the agent is told, even if more are waiting. */
const ACKNOWLEDGED_AT_ONCE = 32;
/** Output waits so long for more of it, unless so many chunks are there or something else comes behind: each commit has its sync. */
const GATHERING_MS = 50;
const GATHERED = 48;
/** Reports that are stored side by side. */
const AT_ONCE = 16;

interface Waiting {
  readonly report: Report;
  readonly bytes: number;
}

export class ReportQueue {
  readonly #deps: QueueDeps;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #paused = false;
  /** Called when output that is gathered shall wait no longer. */
  #gathered: (() => void) | undefined;
  #working: Promise<void> | undefined;
  #ended = false;
  #stored: number | undefined;
  #storedCount = 0;

  constructor(deps: QueueDeps) {
    this.#deps = deps;
  }

  /** Takes one report; it is stored when those before it are. */
  add(report: Report, bytes: number): void {
    if (this.#ended) return;
    this.#waiting.push({ report: report.type === 'output' ? cleanChunk(report) : report, bytes });
    this.#bytes += bytes;
    this.#pauseOrResume();
    if (!this.#isGathering()) this.#gathered?.();
    this.#working ??= this.#work();
  }

  /** Resolves when nothing is being stored any more. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** Forgets what is not stored: it was not acknowledged, so it comes again. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#gathered?.();
  }

  async #work(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        if (this.#isGathering()) await this.#gather();
        const first = this.#waiting.shift();
        if (first === undefined) return;
        const further = this.#furtherOutput(first.report);
        const batch = [first, ...this.#end(first.report), ...this.#besides(first.report)];
        const output = further.map(({ report }) => report) as OutputReport[];
        const refused = await allOf(
          batch.map(({ report }) => this.#store(report, report === first.report ? output : [])),
        );
        for (const it of refused) if (it && !this.#ended) await this.#deps.afterRefusal();
        if (this.#ended) return;
        for (const { report } of batch) this.#noteStored(report);
        for (const { bytes } of [...batch, ...further]) this.#bytes -= bytes;
        this.#pauseOrResume();
        if (this.#waiting.length === 0 || this.#storedCount >= ACKNOWLEDGED_AT_ONCE) this.#acknowledge();
      }
    } catch (error) {
      this.end();
      this.#deps.failed(error);
    } finally {
      this.#working = undefined;
    }
  }

  async #gather(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(GATHERING_MS, resolve);
    this.#gathered = resolve;
    await promise;
    cancel();
    this.#gathered = undefined;
  }

  /** Whether nothing waits but some output. */
  #isGathering(): boolean {
    const { length } = this.#waiting;
    return !this.#paused && length < GATHERED && this.#waiting.every(({ report }) => report.type === 'output');
  }

  /** Takes off the queue what can be stored together with a chunk of output: the further chunks of its action, up to another kind of report. */
  #furtherOutput(first: Report): Waiting[] {
    if (first.type !== 'output') return [];
    const other = this.#waiting.findIndex(({ report }) => report.type !== 'output');
    const chunks = this.#waiting.splice(0, other < 0 ? this.#waiting.length : other);
    const isFurther = ({ report }: Waiting) => 'actionId' in report && report.actionId === first.actionId;
    this.#waiting.unshift(...chunks.filter((it) => !isFurther(it)));
    return chunks.filter(isFurther);
  }

  /**
   * Takes off the queue the end of an action that came right behind its output: handed on right behind it, it is written behind it, and
   * mostly in the same commit, so that who waits for the end waits for one sync.
   */
  #end(first: Report): Waiting[] {
    if (first.type !== 'output') return [];
    const at = this.#waiting.findIndex(({ report }) => report.type !== 'output');
    const next = this.#waiting[at]?.report;
    return next?.type === 'finished' && next.actionId === first.actionId ? this.#waiting.splice(at, 1) : [];
  }

  /** Takes off the queue what can be stored beside a report: the next ones, each of another action. */
  #besides(first: Report): Waiting[] {
    if (!('actionId' in first) || first.type === 'output') return [];
    const actions = new Set([first.actionId]);
    const fits = ({ report }: Waiting) => {
      if (!('actionId' in report) || report.type === 'output' || actions.has(report.actionId)) return false;
      actions.add(report.actionId);
      return true;
    };
    let count = 0;
    for (const next of this.#waiting)
      if (count < AT_ONCE - 1 && fits(next)) count += 1;
      else break;
    return this.#waiting.splice(0, count);
  }

  /** Whether it was refused for good. */
  async #store(report: Report, further: readonly OutputReport[]): Promise<boolean> {
    failPoint('fleet.report.before_store');
    try {
      await this.#deps.take(report, further);
      return false;
    } catch (error) {
      // Sending it again would change nothing: it counts as dealt with. Whoever refused it has audited it.
      if (!(error instanceof Fault) || error.body.retryable || error.blame === 'us') throw error;
      return true;
    }
  }

  #noteStored(report: Report): void {
    if (!('seq' in report)) return;
    this.#stored = report.seq;
    this.#storedCount += 1;
  }

  #acknowledge(): void {
    if (this.#stored === undefined) return;
    const seq = this.#stored;
    this.#stored = undefined;
    this.#storedCount = 0;
    this.#deps.acknowledge(seq);
  }

  #pauseOrResume(): void {
    const { reportsWaiting, reportBytesWaiting } = this.#deps.limits;
    if (!this.#paused && (this.#waiting.length > reportsWaiting || this.#bytes > reportBytesWaiting)) {
      this.#paused = true;
      this.#deps.wire.pause();
    } else if (this.#paused && this.#waiting.length <= reportsWaiting / 2 && this.#bytes <= reportBytesWaiting / 2) {
      this.#paused = false;
      this.#deps.wire.resume();
    }
  }
}

/** Resolves when all have, and rejects as the first that failed, but not before all have ended. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  return (await Promise.allSettled(work)).map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}
