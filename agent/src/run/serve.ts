/** The runner's side of a conversation with a link, and the end of the runner when nobody needs it. */
import type { Readable, Writable } from 'node:stream';
import { type Cancel, fault, parseJson, problemsOf } from '@countersign/protocol';
import { FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import { failPoint } from '../fail-points.ts';
import { readCertificates } from '../host/certificates.ts';
import { Channel } from './channel.ts';
import type { Journal } from './journal.ts';
import type { RunPorts } from './run-ports.ts';
import type { Runner } from './runner.ts';
import { type FromRunner, LINE_BYTES_MAX, type ToRunner, toRunnerSchema } from './runner-wire.ts';
import { Turns } from './turns.ts';
import { wireFault } from './wire-fault.ts';

/** Requests of one link that are worked on at once, and those that may wait for it: a link passes on 32 of its control plane. */
const REQUESTS_AT_ONCE = 16;
const REQUESTS_WAITING = 32;
const BROKEN_IDLE_MS = 2000;

type Request = Exclude<Extract<ToRunner, { requestId: string }>, { type: 'cancel' }>;
type Answer = Extract<FromRunner, { requestId: string }>;

/** What one link has asked and is not answered yet. */
interface Asked {
  readonly open: Map<string, AbortController>;
  readonly turns: Turns;
}

export interface ServeOptions {
  readonly runner: Runner;
  readonly journal: Pick<Journal, 'broken'>;
  readonly ports: RunPorts;
  /** After this long without a request and without an action, `onIdle` is called. */
  readonly idleMs: number;
  readonly onIdle: () => void;
  /** Whether the runner goes when its last link has gone: a child of the link. */
  readonly endWithLinks: boolean;
}

/** Serves links one after the other or at once. */
export class RunnerService {
  readonly #options: ServeOptions;
  readonly #channels = new Set<Channel>();
  #requests = 0;
  #ending = false;
  #cancelIdle: Cancel | null = null;

  constructor(options: ServeOptions) {
    this.#options = options;
    options.runner.onQuiet = () => this.#rest();
    this.#rest();
  }

  /** Ends as soon as no action is under way. */
  endWhenQuiet(): void {
    this.#ending = true;
    this.#rest();
  }

  /** Talks with one link until it goes. */
  serve(input: Readable, output: Writable): Channel {
    const { runner, ports } = this.#options;
    const asked: Asked = { open: new Map(), turns: new Turns(REQUESTS_AT_ONCE) };
    let detach = () => undefined as unknown;
    const channel = new Channel(input, output, LINE_BYTES_MAX, {
      onLine: (line) => this.#take(line, asked, channel),
      onClose: (error) => {
        detach();
        for (const request of asked.open.values()) request.abort(new Error('the link has gone'));
        if (error) ports.log.warn('link.gone', { error });
        this.#channels.delete(channel);
        if (this.#options.endWithLinks && this.#channels.size === 0) this.endWhenQuiet();
      },
    });
    this.#channels.add(channel);
    detach = runner.attach((message) => channel.send(message));
    this.#rest();
    return channel;
  }

  #take(line: string, asked: Asked, channel: Channel): void {
    const message = this.#parse(line);
    if (message === null) return;
    this.#rest();
    if ('requestId' in message && message.type !== 'cancel') void this.#answer(message, asked, channel);
    else this.#obey(message, asked);
  }

  #obey(message: Exclude<ToRunner, Request>, { open }: Asked): void {
    const { runner } = this.#options;
    if (message.type === 'accept') {
      failPoint('run.grant.before_judging');
      runner.accept(message.grant, message.skewMs);
    } else if (message.type === 'stop') runner.stop(message.actionId);
    else if (message.type === 'confirm') runner.confirm(message.actionId, message.signatures);
    else if (message.type === 'kept') runner.kept(message.actionId, message.report);
    else open.get(message.requestId)?.abort(new Error('nobody waits for the answer any more'));
  }

  #parse(line: string): ToRunner | null {
    const { log } = this.#options.ports;
    try {
      const parsed = toRunnerSchema.safeParse(parseJson(line));
      if (parsed.success) return parsed.data;
      log.warn('line.invalid', { problems: problemsOf(parsed.error).slice(0, 500) });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      log.warn('line.invalid', { problems: 'not JSON' });
    }
    return null;
  }

  async #answer(request: Request, { open, turns }: Asked, channel: Channel): Promise<void> {
    const { ports } = this.#options;
    const { requestId } = request;
    const controller = new AbortController();
    this.#requests += 1;
    try {
      // Two requests of one id would count once.
      if (open.has(requestId) || open.size >= REQUESTS_AT_ONCE + REQUESTS_WAITING) throw fault('agent_busy');
      open.set(requestId, controller);
      const answer = await turns.take(() => {
        controller.signal.throwIfAborted();
        return this.#fulfil(request, controller.signal);
      });
      const line = JSON.stringify(answer);
      const bytes = Buffer.byteLength(line);
      // What does not fit into a frame of the wire need not go to the link either.
      if (bytes > FRAME_BYTES_MAX) throw fault('too_large', { bytes, limit: FRAME_BYTES_MAX });
      channel.sendLine(line);
    } catch (error) {
      if (!controller.signal.aborted)
        channel.send({ type: 'request_failed', requestId, fault: wireFault(error, ports) } satisfies FromRunner);
    } finally {
      if (open.get(requestId) === controller) open.delete(requestId);
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
      case 'lock_changes':
        return { type: 'about', requestId, about: runner.followLock(request.changes) };
      case 'checkpoint':
        return this.#countersign(requestId, request.note);
      case 'ask_witness':
        return { type: 'witness', requestId, witness: runner.testify() };
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

  #countersign(requestId: string, note: string): Answer {
    const { outcome, ...said } = this.#options.runner.countersign(note);
    if (!('fault' in said)) return { type: 'countersigned', requestId, ...said };
    return {
      type: 'checkpoint_refused',
      requestId,
      fault: wireFault(said.fault, this.#options.ports),
      kept: said.kept,
    };
  }

  /** Begins to wait for the end anew. */
  #rest(): void {
    const { ports, runner, journal } = this.#options;
    // A journal that cannot be written may be on a disk that was mended: the next runner opens it anew.
    const idleMs = journal.broken === null ? this.#options.idleMs : BROKEN_IDLE_MS;
    this.#cancelIdle?.();
    if (this.#ending && runner.running === 0) {
      this.#end();
      return;
    }
    this.#cancelIdle = ports.clock.after(idleMs, () => {
      if (this.#requests === 0 && runner.running === 0) this.#end();
    });
  }

  #end(): void {
    for (const channel of this.#channels) channel.close();
    this.#options.onIdle();
  }
}
