/**
 * One connected agent, after it proved who it is: what we ask of it and what it reports. Reports are stored one after the
 * other in the order in which they came, and acknowledged when they are on disk.
 */
import {
  type ApproverSignature,
  capability,
  delay,
  type Fault,
  fault,
  isoTime,
  type ObservationId,
  type ParametersOf,
  type PlanDraft,
  type Preview,
  type ResultOf,
  type SignedGrant,
  type SignedLockChange,
  type SignedWitness,
} from '@countersign/protocol';
import { type Decoded, decodeFromAgent } from '@countersign/protocol/agent-wire/codec';
import type { Thresholds } from '@countersign/protocol/agent-wire/facts';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { Acknowledgement } from './acknowledgement.ts';
import { cleanFault, cleanPreview, cleanResult } from './clean-arrival.ts';
import { clockLead, clockSetSince } from './clock-set.ts';
import { Foresight } from './foresight.ts';
import { type Report, ReportQueue } from './report-queue.ts';
import { type Request, Requests } from './requests.ts';
import type { SessionDeps } from './session-events.ts';
import { type CloseCode, type Wire, wireForm } from './wire.ts';

export interface SessionOf {
  readonly serverId: string;
  readonly serverName: string;
  readonly publicKey: string;
  readonly capabilities: ReadonlySet<string>;
}

const AFTER_REFUSAL_MS = 1000;

export class AgentSession {
  readonly serverId: string;
  readonly serverName: string;
  readonly publicKey: string;
  readonly capabilities: ReadonlySet<string>;
  /** Clock of the server minus ours, milliseconds. */
  clockOffsetMs: number;
  /** When a sign of life came last, on the monotonic clock. */
  heardAt: number;
  /** Whether a sign of life was asked for since then. */
  asked = false;
  readonly #deps: SessionDeps;
  readonly #wire: Wire;
  /** These four are made when they are needed: most of twenty thousand agents are idle. */
  #requests: Requests | undefined;
  #reports: ReportQueue | undefined;
  #acknowledgement: Acknowledgement | undefined;
  #foresight: Foresight | undefined;
  #isOver = false;
  readonly #clockLead: number;
  /** The ping whose answer somebody waits for. */
  #probe: { readonly word: string; readonly answered: (answers: boolean) => void } | undefined;

  constructor(deps: SessionDeps, wire: Wire, of: SessionOf, clockOffsetMs: number) {
    this.serverId = of.serverId;
    this.serverName = of.serverName;
    this.publicKey = of.publicKey;
    this.capabilities = of.capabilities;
    this.clockOffsetMs = clockOffsetMs;
    this.heardAt = deps.clock.monotonic();
    this.#deps = deps;
    this.#clockLead = clockLead(deps.clock);
    this.#wire = wire;
  }

  get isOpen(): boolean {
    return this.#wire.isOpen;
  }

  /** Whether we ourselves do not read at the moment, so that silence means nothing. */
  get isPaused(): boolean {
    return this.#wire.isPaused;
  }

  /** Takes one frame from the agent. */
  receive(frame: string): void {
    const decoded: Decoded<FromAgent> = decodeFromAgent(frame);
    if (decoded.outcome === 'ok') this.#take(decoded.message, frame.length);
    else if (decoded.outcome === 'invalid') this.#invalid(decoded.problems);
    // An agent of a newer level may say more than we know: that is no error.
    else this.#deps.log.info('agent.message_unknown', { server: this.serverId, type: decoded.type });
  }

  /** Something came from the agent, whatever it was. */
  heard(): void {
    this.heardAt = this.#deps.clock.monotonic();
    this.asked = false;
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.asked = true;
    this.#wire.ping();
  }

  ponged(word: string): void {
    this.heard();
    if (word === this.#probe?.word) this.#probe.answered(this.isOpen);
  }

  /** Whether the agent answers now, within `ms`. What was still on its way when it was asked is no answer. */
  answersWithin(ms: number): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    const answer = Promise.withResolvers<boolean>();
    this.#probe = { word: this.#deps.ids.id('req'), answered: answer.resolve };
    const cancel = this.#deps.clock.after(ms, () => answer.resolve(false));
    this.#wire.ping(this.#probe.word);
    return answer.promise.finally(cancel);
  }

  async observe<C extends ObservationId>(
    id: C,
    parameters: ParametersOf<C>,
    options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined } = {},
  ): Promise<ResultOf<C>> {
    if (!this.capabilities.has(id)) throw fault('capability_missing', { server: this.serverName, capability: id });
    const timeoutMs = options.timeoutMs ?? capability(id).timeoutMs;
    const answer = await this.#ask({
      answer: 'observed',
      message: (requestId) => ({
        type: 'observe',
        requestId,
        capability: id,
        parameters: wireForm(parameters),
        timeoutMs,
      }),
      timeoutMs: timeoutMs + this.#deps.limits.answerGraceMs,
      signal: options.signal,
    });
    return cleanResult(id, answer, this.serverName);
  }

  async preview(draft: PlanDraft, timeoutMs: number, signal?: AbortSignal): Promise<Preview> {
    const answer = await this.#ask({
      answer: 'previewed',
      message: (requestId) => ({ type: 'preview', requestId, draft, timeoutMs }),
      timeoutMs: timeoutMs + this.#deps.limits.answerGraceMs,
      signal,
    });
    const preview = cleanPreview(answer as Preview);
    this.#foresight ??= new Foresight();
    this.#foresight.learn(draft, preview);
    return preview;
  }

  /** What the server would say to a preview, where that is known and it gave a sign of life lately; else null. */
  foretell(draft: PlanDraft): Preview | null {
    const { clock, limits } = this.#deps;
    const isSilent = clock.monotonic() - this.heardAt > limits.pingAfterMs + limits.sweepMs;
    if (this.asked || isSilent || !this.isOpen) return null;
    return this.#foresight?.foretell(draft, clock.monotonic()) ?? null;
  }

  /** Hands a grant over. The runner's journal makes a second one of the same action harmless. */
  dispatch(grant: SignedGrant): void {
    this.#wire.send({ type: 'dispatch', grant });
    this.#foresight?.sent(grant.grant.actionId, this.#deps.clock.monotonic());
  }

  stop(actionId: string): void {
    this.#wire.send({ type: 'stop', actionId });
  }

  /** Passes on that people confirm that the server can still be reached. */
  confirm(actionId: string, signatures: readonly ApproverSignature[]): void {
    this.#wire.send({ type: 'confirm', actionId, signatures: [...signatures] });
  }

  /** Asks what the server keeps of the audit log and of its own journal. As it came: whoever asks verifies the signature. */
  async askWitness(timeoutMs: number): Promise<SignedWitness> {
    const answer = await this.#ask({
      answer: 'witness',
      message: (requestId) => ({ type: 'ask_witness', requestId, timeoutMs }),
      timeoutMs: timeoutMs + this.#deps.limits.answerGraceMs,
    });
    return answer as SignedWitness;
  }

  sendLockChanges(changes: readonly SignedLockChange[]): void {
    this.#wire.send({ type: 'lock_changes', changes: [...changes] });
  }

  sendCheckpoint(note: string): void {
    this.#wire.send({ type: 'checkpoint', note });
  }

  sendThresholds(thresholds: Thresholds): void {
    this.#wire.send({ type: 'settings', thresholds });
  }

  /** Says why, and ends the connection. */
  turnAway(code: CloseCode, why: Fault): void {
    this.#wire.send({ type: 'turned_away', fault: { code: why.code, slots: { ...why.slots } } });
    this.#wire.close(code, why.message);
  }

  /** Ends the connection at once: the agent does not answer. */
  cut(): void {
    this.#wire.cut();
  }

  /** The connection is gone since then, milliseconds since 1970. Resolves when nothing of it is being stored any more. */
  ended(at: number): Promise<void> {
    this.#isOver = true;
    this.#acknowledgement?.end();
    this.#reports?.end();
    this.#requests?.endAll(fault('server_offline', { server: this.serverName, since: isoTime(at) }));
    return this.#reports?.settled() ?? Promise.resolve();
  }

  #ask(request: Request): Promise<unknown> {
    const { clock, ids, limits } = this.#deps;
    this.#requests ??= new Requests({
      ...{ clock, limits, serverName: this.serverName },
      newId: () => ids.id('req'),
      send: (message) => this.#wire.send(message),
    });
    return this.#requests.start(request);
  }

  #report(report: Report, bytes: number): void {
    if (this.#isOver) return;
    const { clock, limits, events } = this.#deps;
    this.#acknowledgement ??= new Acknowledgement(clock, (seq) => this.#wire.send({ type: 'acknowledge', seq }));
    const acknowledgement = this.#acknowledgement;
    this.#reports ??= new ReportQueue({
      ...{ clock, limits, wire: this.#wire },
      take: (...reports) => events.takeReport(this.serverId, ...reports),
      acknowledge: (seq) => acknowledgement.upTo(seq),
      failed: (error) => this.#storeFailed(error),
      afterRefusal: () => delay(clock, AFTER_REFUSAL_MS),
    });
    this.#reports.add(report, bytes);
  }

  #take(message: FromAgent, bytes: number): void {
    this.#foresight?.heard(message);
    switch (message.type) {
      case 'open':
      case 'hello':
        this.#invalid(`${message.type} came again`);
        break;
      case 'heartbeat':
        // What the agent measured at its welcome is wrong then, and its runner goes by that.
        if (clockSetSince(this.#deps.clock, this.#clockLead))
          this.#wire.close('clock_set', 'our clock was set: come back and measure yours anew');
        this.clockOffsetMs = message.clock - this.#deps.clock.now();
        this.#deps.events.alive(this.serverId, this.clockOffsetMs, message.sample);
        break;
      case 'observed':
        this.#requests?.answered(message.requestId, 'observed', message.result);
        break;
      case 'previewed':
        this.#requests?.answered(message.requestId, 'previewed', message.preview);
        break;
      case 'witness':
        this.#requests?.answered(message.requestId, 'witness', message.witness);
        break;
      case 'policy':
      case 'countersigned':
      case 'checkpoint_refused':
        this.#deps.events.told(this.serverId, message);
        break;
      case 'request_failed':
        this.#requests?.failed(message.requestId, cleanFault(message.fault, this.serverName));
        break;
      default:
        this.#report(message, bytes);
    }
  }

  #invalid(problems: string): void {
    this.turnAway('frame_invalid', fault('frame_invalid', { problems }));
  }

  /** Nothing was acknowledged, so the agent sends it again when it comes back. */
  #storeFailed(error: unknown): void {
    this.#deps.log.error('agent.report_not_stored', { server: this.serverId, error: String(error) });
    this.#wire.close('internal', 'a report could not be stored; come back in a moment');
  }
}
