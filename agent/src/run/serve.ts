/** The runner's side of a conversation with a link, and the end of the runner when nobody needs it. */
import type { Readable, Writable } from 'node:stream';
import { type Cancel, fault, problemsOf } from '@countersign/protocol';
import { readCertificates } from './certificates.ts';
import { Channel } from './channel.ts';
import type { RunPorts } from './run-ports.ts';
import type { Runner } from './runner.ts';
import { type FromRunner, LINE_BYTES_MAX, type ToRunner, toRunnerSchema } from './runner-wire.ts';
import { wireFault } from './wire-fault.ts';

const REQUESTS_MAX = 16;

type Request = Extract<ToRunner, { type: 'about' | 'observe' | 'preview' | 'certificates' }>;
type Answer = Extract<FromRunner, { requestId: string }>;

export interface ServeOptions {
  readonly runner: Runner;
  readonly ports: RunPorts;
  /** After this long without a request and without an action, `onIdle` is called. */
  readonly idleMs: number;
  readonly onIdle: () => void;
}

/** Serves links one after the other or at once. */
export class RunnerService {
  readonly #options: ServeOptions;
  #requests = 0;
  #cancelIdle: Cancel | null = null;

  constructor(options: ServeOptions) {
    this.#options = options;
    options.runner.onQuiet = () => this.#rest();
    this.#rest();
  }

  /** Talks with one link until it goes. */
  serve(input: Readable, output: Writable): Channel {
    const { runner, ports } = this.#options;
    const asked = new Map<string, AbortController>();
    let detach = () => undefined as unknown;
    const channel = new Channel(input, output, LINE_BYTES_MAX, {
      onLine: (line) => this.#take(line, asked, channel),
      onClose: (error) => {
        detach();
        for (const request of asked.values()) request.abort(new Error('the link has gone'));
        if (error) ports.log.warn('link.gone', { error });
      },
    });
    detach = runner.attach((message) => channel.send(message));
    this.#rest();
    return channel;
  }

  #take(line: string, asked: Map<string, AbortController>, channel: Channel): void {
    const message = this.#parse(line);
    if (message === null) return;
    this.#rest();
    const { runner } = this.#options;
    switch (message.type) {
      case 'accept':
        return runner.accept(message.grant, message.skewMs);
      case 'stop':
        return runner.stop(message.actionId);
      case 'kept':
        return runner.kept(message.actionId, message.report);
      case 'cancel':
        return asked.get(message.requestId)?.abort(new Error('nobody waits for the answer any more'));
      default:
        void this.#answer(message, asked, channel);
    }
  }

  #parse(line: string): ToRunner | null {
    const { log } = this.#options.ports;
    try {
      const parsed = toRunnerSchema.safeParse(JSON.parse(line));
      if (parsed.success) return parsed.data;
      log.warn('line.invalid', { problems: problemsOf(parsed.error).slice(0, 500) });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      log.warn('line.invalid', { problems: 'not JSON' });
    }
    return null;
  }

  async #answer(request: Request, asked: Map<string, AbortController>, channel: Channel): Promise<void> {
    const { ports } = this.#options;
    const { requestId } = request;
    const controller = new AbortController();
    this.#requests += 1;
    try {
      if (asked.size >= REQUESTS_MAX) throw fault('agent_busy');
      asked.set(requestId, controller);
      channel.send(await this.#fulfil(request, controller.signal));
    } catch (error) {
      if (!controller.signal.aborted)
        channel.send({ type: 'request_failed', requestId, fault: wireFault(error, ports) } satisfies FromRunner);
    } finally {
      asked.delete(requestId);
      this.#requests -= 1;
      this.#rest();
    }
  }

  async #fulfil(request: Request, signal: AbortSignal): Promise<Answer> {
    const { runner } = this.#options;
    const { requestId } = request;
    switch (request.type) {
      case 'about':
        return { type: 'about', requestId, about: runner.about() };
      case 'certificates':
        return { type: 'certificates', requestId, certificates: readCertificates() };
      case 'observe':
        return { type: 'observed', requestId, result: (await runner.observe(request, signal)) as never };
      case 'preview':
        return {
          type: 'previewed',
          requestId,
          preview: await runner.preview(request.draft, request.timeoutMs, signal),
        };
    }
  }

  /** Begins to wait for the end anew. */
  #rest(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = this.#options.ports.clock.after(this.#options.idleMs, () => {
      if (this.#requests === 0 && this.#options.runner.running === 0) this.#options.onIdle();
    });
  }
}
