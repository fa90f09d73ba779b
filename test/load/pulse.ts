/** How long the control plane keeps everybody waiting, seen from outside: five times a second a request that costs it next to nothing. */
import type { Latencies } from './latencies.ts';

const EVERY_MS = 200;
const ANSWER_MS = 30_000;
export const PULSE = 'healthz';

export class Pulse {
  readonly #url: string;
  readonly #latencies: Latencies;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, latencies: Latencies) {
    this.#url = `${url}/healthz`;
    this.#latencies = latencies;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#once(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #once(): Promise<void> {
    const { phase } = this.#latencies;
    const began = performance.now();
    try {
      const response = await fetch(this.#url, { signal: AbortSignal.timeout(ANSWER_MS) });
      await response.arrayBuffer();
      this.#latencies.note(phase, PULSE, performance.now() - began);
    } catch (error) {
      this.#latencies.refused(phase, error instanceof TypeError ? 'unreachable' : 'no answer');
    }
  }
}
