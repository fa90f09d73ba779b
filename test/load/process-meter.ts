/** What the control plane takes of the machine, by phases of a load. */
import { cpuMsOf, memoryOf, waitedMsOf } from '../bench/process-figures.ts';

export interface PhaseMeter {
  readonly phase: string;
  readonly seconds: number;
  /** Of one core; 1 is all of it. */
  readonly cpu: number;
  /** For how much of the time its main thread had work and no core to do it on: then the figures tell of the machine, not of the product. */
  readonly waited: number;
  /** At its end, MB. */
  readonly rss: number;
  readonly anonymous: number;
}

/** Measures a process by phases. It may be another one at the end of a phase than at its beginning. */
export class ProcessMeter {
  readonly phases: PhaseMeter[] = [];
  readonly #pid: () => number;
  #began = { phase: '', at: 0, pid: 0, cpuMs: 0, waitedMs: 0 };

  constructor(pid: () => number) {
    this.#pid = pid;
  }

  begin(phase: string): void {
    const pid = this.#pid();
    this.#began = { phase, at: performance.now(), pid, cpuMs: cpuMsOf(pid), waitedMs: waitedMsOf(pid) };
  }

  end(): void {
    const { phase, at, pid: before, cpuMs, waitedMs } = this.#began;
    const pid = this.#pid();
    const seconds = (performance.now() - at) / 1000;
    const same = pid === before;
    const used = (cpuMsOf(pid) - (same ? cpuMs : 0)) / 1000;
    const waited = (waitedMsOf(pid) - (same ? waitedMs : 0)) / 1000;
    this.phases.push({ phase, seconds, cpu: used / seconds, waited: waited / seconds, ...memoryOf(pid) });
  }
}
