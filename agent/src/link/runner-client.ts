/**
 * The link's side of the conversation with the runner. It connects when there is something to ask, since the runner goes to
 * sleep when it is idle, and again at once when the runner was cut off with an action in hand: the one that comes up
 * then finds out what became of it.
 */
import type { Readable, Writable } from 'node:stream';
import {
  type ApproverSignature,
  type Clock,
  delay,
  errorCodes,
  Fault,
  fault,
  type Ids,
  type PlanDraft,
  type Preview,
  parseJson,
  type SignedGrant,
  type SignedLockChange,
  type SignedWitness,
} from '@countersign/protocol';
import { fits } from '@countersign/protocol/form';
import { runnerLineForm } from '../ahead.ts';
import type { Log } from '../host/log.ts';
import { schemas } from '../late.ts';
import { Channel, LINE_BYTES_MAX } from '../run/channel.ts';
import type { About, Certificate, FromRunner, Report, ToRunner } from '../run/runner-wire.ts';

/** A stream pair to a runner, however it was reached. */
export interface RunnerStreams {
  readonly input: Readable;
  readonly output: Writable;
}

export interface RunnerClientOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Reaches a runner, starting one where that is needed. */
  readonly connect: () => Promise<RunnerStreams>;
  /** What the runner tells by itself. */
  readonly onTold: (message: Extract<FromRunner, { type: 'report' | 'output' | 'step' }>) => void;
}

type Asked =
  Extract<ToRunner, { requestId: string }> extends infer M ? (M extends { type: 'cancel' } ? never : M) : never;
type Answer = Extract<FromRunner, { requestId: string }>;
/** How the runner took a checkpoint. */
export type Countersigning = Extract<FromRunner, { type: 'countersigned' | 'checkpoint_refused' }>;
type WithoutId<M> = M extends { requestId: string } ? Omit<M, 'requestId'> : never;

const AGAIN_FIRST_MS = 500;
const AGAIN_MAX_MS = 10_000;

class RunnerGone extends Error {
  override readonly name = 'RunnerGone';
}

export class RunnerClient {
  readonly #options: RunnerClientOptions;
  readonly #asked = new Map<string, { resolve: (answer: Answer) => void; reject: (error: unknown) => void }>();
  /** Actions that were handed over and are not over yet; the grant until the runner has answered. */
  readonly #actions = new Map<string, Extract<ToRunner, { type: 'accept' }> | null>();
  readonly #ended = new AbortController();
  #channel: Channel | null = null;
  #connecting: Promise<Channel> | null = null;
  #againMs = AGAIN_FIRST_MS;
  #coming = false;

  constructor(options: RunnerClientOptions) {
    this.#options = options;
  }

  /** Who the runner is and what its policy says. A runner that was cut off tells now what it has to report. */
  async about(signal: AbortSignal): Promise<About> {
    const answer = await this.#ask({ type: 'about' }, signal);
    if (answer.type !== 'about') return unexpected(answer);
    for (const actionId of answer.about.running) if (!this.#actions.has(actionId)) this.#actions.set(actionId, null);
    return answer.about;
  }

  async observe(request: WithoutId<Extract<ToRunner, { type: 'observe' }>>, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#ask(request, signal);
    return answer.type === 'observed' ? answer.result : unexpected(answer);
  }

  async preview(draft: PlanDraft, timeoutMs: number, signal: AbortSignal): Promise<Preview> {
    const answer = await this.#ask({ type: 'preview', draft, timeoutMs }, signal);
    return answer.type === 'previewed' ? answer.preview : unexpected(answer);
  }

  /** Hands changes of the lock over. Resolves with how the runner stands then. */
  async followLock(changes: readonly SignedLockChange[], signal: AbortSignal): Promise<About> {
    const answer = await this.#ask({ type: 'lock_changes', changes: [...changes] }, signal);
    return answer.type === 'about' ? answer.about : unexpected(answer);
  }

  /** Hands a checkpoint over. */
  async checkpoint(note: string, signal: AbortSignal): Promise<Countersigning> {
    const answer = await this.#ask({ type: 'checkpoint', note }, signal);
    return answer.type === 'countersigned' || answer.type === 'checkpoint_refused' ? answer : unexpected(answer);
  }

  async witness(signal: AbortSignal): Promise<SignedWitness> {
    const answer = await this.#ask({ type: 'ask_witness' }, signal);
    return answer.type === 'witness' ? answer.witness : unexpected(answer);
  }

  async certificates(signal: AbortSignal): Promise<readonly Certificate[]> {
    const answer = await this.#ask({ type: 'certificates' }, signal);
    return answer.type === 'certificates' ? answer.certificates : unexpected(answer);
  }

  /** Hands a grant over. The answer is a report. */
  accept(grant: SignedGrant, skewMs: number | null): void {
    const message = { type: 'accept', grant, skewMs } as const;
    this.#actions.set(grant.grant.actionId, message);
    // A connection that has yet to be made begins with what is in hand.
    if (this.#channel?.open) this.#channel.send(message);
    else this.#wake();
  }

  stop(actionId: string): void {
    this.#tell({ type: 'stop', actionId });
  }

  /** A human confirms that this server can still be reached. */
  confirm(actionId: string, signatures: readonly ApproverSignature[]): void {
    this.#tell({ type: 'confirm', actionId, signatures: [...signatures] });
  }

  /** The control plane has stored a report. */
  kept(actionId: string, report: Report['kind']): void {
    this.#tell({ type: 'kept', actionId, report });
  }

  close(): void {
    this.#ended.abort(new RunnerGone('the link ends'));
    this.#channel?.close();
  }

  async #ask(message: WithoutId<Asked>, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#askOnce(message, signal);
    } catch (error) {
      // It went to sleep just as we asked. What is asked reads only, or does nothing the second time.
      if (!(error instanceof RunnerGone) || this.#ended.signal.aborted) throw error;
    }
    try {
      return await this.#askOnce(message, signal);
    } catch (error) {
      if (error instanceof Fault || signal.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw fault('capability_failed', { capability: 'the runner', reason }, error);
    }
  }

  async #askOnce(message: WithoutId<Asked>, signal: AbortSignal): Promise<Answer> {
    const channel = await this.#reach();
    signal.throwIfAborted();
    const requestId = this.#options.ids.id('req');
    const answer = Promise.withResolvers<Answer>();
    const onAbort = () => {
      channel.send({ type: 'cancel', requestId } satisfies ToRunner);
      answer.reject(signal.reason);
    };
    this.#asked.set(requestId, answer);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      channel.send({ ...message, requestId });
      return await answer.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#asked.delete(requestId);
    }
  }

  #tell(message: ToRunner): void {
    this.#reach().then(
      (channel) => channel.send(message),
      (error: unknown) => this.#unreachable(error),
    );
  }

  #wake(): void {
    this.#reach().catch((error: unknown) => this.#unreachable(error));
  }

  #unreachable(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#options.log.error('runner.unreachable', { error });
    if (this.#actions.size > 0) void this.#comeAgain();
  }

  #reach(): Promise<Channel> {
    if (this.#channel?.open) return Promise.resolve(this.#channel);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Channel> {
    this.#ended.signal.throwIfAborted();
    const { input, output } = await this.#options.connect().catch((error: unknown) => {
      throw new RunnerGone(error instanceof Error ? error.message : String(error), { cause: error });
    });
    const channel = new Channel(input, output, LINE_BYTES_MAX, {
      onLine: (line) => this.#take(line),
      onClose: (error) => this.#gone(channel, error),
    });
    this.#channel = channel;
    for (const accept of this.#actions.values()) if (accept !== null) channel.send(accept);
    return channel;
  }

  #gone(channel: Channel, error: Error | null): void {
    if (this.#channel === channel) this.#channel = null;
    for (const { reject } of this.#asked.values()) reject(new RunnerGone(error?.message ?? 'the runner has gone'));
    if (this.#actions.size > 0) void this.#comeAgain();
  }

  async #comeAgain(): Promise<void> {
    if (this.#coming || this.#ended.signal.aborted) return;
    this.#coming = true;
    const wait = this.#againMs;
    this.#againMs = Math.min(AGAIN_MAX_MS, wait * 2);
    try {
      await delay(this.#options.clock, wait, this.#ended.signal);
    } catch {
      return; // the link ends
    } finally {
      this.#coming = false;
    }
    this.#wake();
  }

  #take(line: string): void {
    const message = this.#parse(line);
    if (message === null) return;
    this.#againMs = AGAIN_FIRST_MS;
    if (message.type === 'report') this.#noteReport(message.report);
    if (!('requestId' in message)) this.#options.onTold(message);
    else if (message.type === 'request_failed') this.#asked.get(message.requestId)?.reject(faultOf(message.fault));
    else this.#asked.get(message.requestId)?.resolve(message);
  }

  #noteReport({ kind, actionId }: Report): void {
    if (kind !== 'started') this.#actions.delete(actionId);
    else this.#actions.set(actionId, null);
  }

  #parse(line: string): FromRunner | null {
    try {
      const value = parseJson(line);
      if (fits(runnerLineForm, value)) return value as FromRunner;
      const { fromRunnerSchema, problemsOf } = schemas();
      const parsed = fromRunnerSchema.safeParse(value);
      if (parsed.success) return parsed.data;
      this.#options.log.error('runner.line_invalid', { problems: problemsOf(parsed.error).slice(0, 500) });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#options.log.error('runner.line_invalid', { problems: 'not JSON' });
    }
    return null;
  }
}

function faultOf({ code, slots }: { code: string; slots: Record<string, string | number> }): Fault {
  const known = errorCodes.find((known) => known === code);
  return known ? new Fault(known, slots) : fault('internal', { reference: code });
}

function unexpected(answer: Answer): never {
  throw new Error(`the runner answered with ${answer.type}`);
}
