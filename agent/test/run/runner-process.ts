/** A runner in a process of its own, to be killed at will. Its program is `runner-program.ts`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ActionResult, ApproverSignature, SignedGrant } from '@countersign/protocol';
import { Channel } from '../../src/run/channel.ts';
import { type FromRunner, fromRunnerSchema, LINE_BYTES_MAX, type Report } from '../../src/run/runner-wire.ts';
import { type Bed, resultOf, until } from './bed.ts';

const SOURCES = join(import.meta.dirname, 'runner-program.ts');

export class RunnerProcess {
  readonly told: FromRunner[] = [];
  readonly channel: Channel;
  /** By which signal it ended, or its exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
  readonly #child: ChildProcess;

  /**
   * `expired`: an action whose time to confirm is over by the machine's timer. `aheadMs`: how far its wall clock is ahead. `failPoint`:
   * where it dies. `program`: its sources unless told.
   */
  constructor(bed: Bed, { expired = '', aheadMs = 0, failPoint = '', program = SOURCES } = {}) {
    const child = spawn(process.execPath, [program, bed.folder, bed.key.publicKey, expired, String(aheadMs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, COUNTERSIGN_FAIL_POINT: failPoint },
    });
    this.#child = child;
    this.ended = once(child, 'exit').then(([code, signal]) => signal ?? code);
    this.channel = new Channel(child.stdout, child.stdin, LINE_BYTES_MAX, {
      onLine: (line) => this.told.push(fromRunnerSchema.parse(JSON.parse(line))),
      onClose: () => undefined,
    });
  }

  accept(grant: SignedGrant): void {
    this.channel.send({ type: 'accept', grant, skewMs: 0 });
  }

  confirm(actionId: string, signatures: ApproverSignature[] = []): void {
    this.channel.send({ type: 'confirm', actionId, signatures });
  }

  /** When it has asked for the confirmation of an action: until when it waits. */
  async asked(actionId: string): Promise<number> {
    const step = await until(
      () =>
        this.told.find(
          (message) => message.type === 'step' && message.phase === 'confirming' && message.actionId === actionId,
        ),
      'the question for a confirmation',
    );
    return (step.type === 'step' && step.until) || 0;
  }

  reports(actionId: string): Report[] {
    return this.told.flatMap((message) =>
      message.type === 'report' && message.report.actionId === actionId ? [message.report] : [],
    );
  }

  async ending(actionId: string): Promise<Report> {
    return until(() => this.reports(actionId).find(({ kind }) => kind !== 'started'), 'the report of an ending');
  }

  async result(actionId: string): Promise<ActionResult> {
    return resultOf(await this.ending(actionId));
  }

  /** Ends it in order. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** Gives a runner an action, kills it once it has come so far, and starts the one that takes over. */
export async function takeOver(
  bed: Bed,
  grant: SignedGrant,
  isSoFar: (first: RunnerProcess) => boolean,
  what: string,
): Promise<RunnerProcess> {
  await using first = new RunnerProcess(bed);
  first.accept(grant);
  await until(() => isSoFar(first), what);
  await first.kill();
  return new RunnerProcess(bed);
}
