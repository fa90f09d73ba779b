/** The simulated fleet as a run sees it: worker processes that play a share of it each. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '../world/eventually.ts';
import type { Share, ToWorker, WorkerStatus } from './crowd-wire.ts';
import { goodCount } from './fleet-roles.ts';

export interface CrowdOptions extends Omit<Share, 'servers' | 'fleet' | 'localAddress'> {
  /** Ids of all servers, in the order of their numbers. */
  readonly serverIds: readonly string[];
  readonly workers: number;
}

export class Crowd implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];
  readonly #statuses: (WorkerStatus | undefined)[] = [];
  readonly #good: number;
  readonly #broken: string[] = [];
  /** The longest that any worker was late, milliseconds. */
  lateMs = 0;

  constructor({ serverIds, workers, ...common }: CrowdOptions) {
    this.#good = goodCount(serverIds.length);
    for (let worker = 0; worker < workers; worker += 1) {
      const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
      const child = fork(join(import.meta.dirname, 'agent-worker.ts'), { execArgv: [], stdio: [...stdio] });
      child.on('message', (received) => {
        const status = received as unknown as WorkerStatus;
        this.#statuses[worker] = status;
        this.lateMs = Math.max(this.lateMs, status.delayMs);
      });
      child.on('exit', (code, signal) => this.#broken.push(`worker ${worker} ended with ${signal ?? code}`));
      this.#children.push(child);
      const servers = serverIds.map((id, n) => ({ n, id })).filter(({ n }) => n % workers === worker);
      // One address each: 28,000 ports of one address are soon used up when thousands come and go.
      const localAddress = `127.0.0.${10 + worker}`;
      child.send({ do: 'be', share: { ...common, servers, fleet: serverIds.length, localAddress } } satisfies ToWorker);
    }
  }

  tell(message: ToWorker): void {
    for (const child of this.#children) if (child.connected) child.send(message);
  }

  /** So many alerts in a second, altogether. */
  raiseAlerts(perSecond: number): void {
    this.tell({ do: 'alerts', perSecond: perSecond / this.#children.length });
  }

  get connected(): number {
    return this.#sum(({ connected }) => connected);
  }
  /** Those who behave; the others come and go. */
  get good(): number {
    return this.#good;
  }
  get alerts(): number {
    return this.#sum(({ alerts }) => alerts);
  }
  get unacknowledged(): number {
    return this.#sum(({ unacknowledged }) => unacknowledged);
  }
  get failed(): Record<string, number> {
    return addUp(this.#all.map(({ failed }) => failed));
  }
  get failedTrouble(): Record<string, number> {
    return addUp(this.#all.map(({ failedTrouble }) => failedTrouble));
  }

  /** How often somebody who behaves was welcomed. */
  get welcomes(): number {
    return this.#sum(({ welcomes }) => welcomes);
  }

  /**
   * Resolves when everybody who behaves is connected, after so many were welcomed altogether: whoever was cut off a moment ago may
   * still count as connected. Rejects after the bound, or when a worker broke.
   */
  async allConnected({ welcomes, timeoutMs }: { welcomes: number; timeoutMs: number }): Promise<void> {
    const there = () => {
      this.#refuseBroken();
      return this.welcomes >= welcomes && this.connected === this.#good;
    };
    await eventually('all agents to be connected', there, { timeoutMs, everyMs: 25 }).catch((error: unknown) => {
      const failed = JSON.stringify(this.failed);
      throw new Error(`${this.connected} of ${this.#good} agents are connected; failures: ${failed}`, { cause: error });
    });
  }

  /** Has nobody raise alerts or make trouble any more. Resolves when every alert has resolved itself and every report is acknowledged. */
  async allCalm(timeoutMs: number): Promise<void> {
    const isCalm = () => this.#all.every((status) => status.isCalm) && this.unacknowledged === 0;
    await eventually('every report to be acknowledged', isCalm, { timeoutMs, everyMs: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }

  get #all(): readonly WorkerStatus[] {
    return this.#statuses.filter((status) => status !== undefined);
  }

  #sum(of: (status: WorkerStatus) => number): number {
    return this.#all.reduce((sum, status) => sum + of(status), 0);
  }

  #refuseBroken(): void {
    if (this.#broken.length > 0) throw new Error(this.#broken.join('; '));
  }
}

function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of counts) for (const [name, n] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + n;
  return sum;
}
