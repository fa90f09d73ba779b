/**
 * Changes from request to end: an assistant asks over MCP, a person decides, the assistant waits. Whoever gets no answer asks again, as
 * assistants and people do, for as long as the control plane is away.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ActionState, isFinal } from '@countersign/protocol';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { Assistant } from '../world/assistants.ts';
import { goodCount, nameOf } from './fleet-roles.ts';
import type { Latencies } from './latencies.ts';
import { codeOf, within } from './traffic.ts';

/** A token may have ten requests open (`action-deps.ts`). */
const OPEN_PER_ASSISTANT = 8;
/** The third rejection in a row would make a token wait. */
const REJECTIONS_PER_ASSISTANT = 2;
const REJECTED_EVERY = 10;
const PATIENCE_MS = 240_000;
/** Whoever gets no answer waits a little longer each time: hundreds that ask again at once would be a flood of our own making. */
const AGAIN_AFTER_MS = { first: 1000, longest: 5000 };
const WAIT_S = 5;
/** Whoever hears nothing for so long asks again; previews may take 20 s. */
const ANSWER_MS = 25_000;

/** What somebody outside of the product knows of one request. */
export interface Story {
  readonly server: string;
  /** Null while no request was taken. */
  action: string | null;
  readonly verdict: 'approve' | 'reject';
  /** When somebody was told that the verdict counts, milliseconds since 1970. */
  decidedAt: number | null;
  /** The last state that was told. */
  state: ActionState | null;
  /** Why it was given up. */
  givenUp: string | null;
}

export interface StoriesOptions {
  readonly assistants: readonly Assistant[];
  readonly approver: Call;
  readonly servers: number;
  readonly perSecond: number;
  readonly latencies: Latencies;
}

export class ActionStories {
  readonly all: Story[] = [];
  /** Requests that were due while every assistant had as many open as it may. */
  leftOut = 0;
  readonly #options: StoriesOptions;
  readonly #open = new Map<Assistant, number>();
  readonly #rejections = new Map<Assistant, number>();
  readonly #underWay = new Set<Promise<void>>();
  /** Servers that somebody has asked about: a second request for the same unit would be the same action. */
  readonly #busy = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(options: StoriesOptions) {
    this.#options = options;
  }

  /** How many approvals were told to count. */
  get approved(): number {
    return this.all.filter(({ verdict, decidedAt }) => verdict === 'approve' && decidedAt !== null).length;
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), 1000 / this.#options.perSecond);
  }

  /** Begins no more, and waits for the end of those that are under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #begin(): void {
    const { assistants, servers } = this.#options;
    const assistant = assistants.toSorted((a, b) => this.#openOf(a) - this.#openOf(b))[0];
    if (assistant === undefined || this.#openOf(assistant) >= OPEN_PER_ASSISTANT) {
      this.leftOut += 1;
      return;
    }
    const server = this.#freeServer(servers);
    if (server === undefined) {
      this.leftOut += 1;
      return;
    }
    const n = this.all.length;
    const rejections = this.#rejections.get(assistant) ?? 0;
    const rejects = n % REJECTED_EVERY === REJECTED_EVERY - 1 && rejections < REJECTIONS_PER_ASSISTANT;
    if (rejects) this.#rejections.set(assistant, rejections + 1);
    const verdict = rejects ? 'reject' : 'approve';
    const story: Story = { server, verdict, action: null, decidedAt: null, state: null, givenUp: null };
    this.all.push(story);
    this.#open.set(assistant, this.#openOf(assistant) + 1);
    const told = this.#tell(story, assistant).finally(() => {
      this.#underWay.delete(told);
      this.#busy.delete(server);
      this.#open.set(assistant, this.#openOf(assistant) - 1);
    });
    this.#underWay.add(told);
  }

  /** Each server in its turn, passing over those that are busy. */
  #freeServer(servers: number): string | undefined {
    const good = goodCount(servers);
    for (let tries = 0; tries < good; tries += 1) {
      const name = nameOf(this.#next % good);
      this.#next += 1;
      if (!this.#busy.has(name)) {
        this.#busy.add(name);
        return name;
      }
    }
    return undefined;
  }

  #openOf(assistant: Assistant): number {
    return this.#open.get(assistant) ?? 0;
  }

  async #tell(story: Story, assistant: Assistant): Promise<void> {
    try {
      const asked = { server: story.server, playbook: 'service.restart', parameters: { unit: 'nginx.service' } };
      const request = await this.#untilAnswered('run_playbook', () => assistant.call('run_playbook', asked));
      story.action = String(request.action);
      await this.#decide(story, story.action);
      await this.#wait(story, story.action, assistant);
    } catch (error) {
      story.givenUp = error instanceof Error ? error.message : String(error);
    }
  }

  /** Decides as often as it takes to be told that it counts. */
  async #decide(story: Story, action: string): Promise<void> {
    const { approver } = this.#options;
    const { digest } = await this.#untilAnswered('look at it', () => approver('getAction', { action }));
    const decide = async () => {
      // An answer that was lost in a crash may have counted.
      const before = await approver('getAction', { action });
      if (before.state !== 'awaiting_approval') return before;
      return story.verdict === 'approve'
        ? approver('approveAction', { action, digest })
        : approver('rejectAction', { action, digest, reason: 'not now' });
    };
    const decided = await this.#untilAnswered(story.verdict, decide);
    story.state = decided.state;
    story.decidedAt = Date.now();
  }

  async #wait(story: Story, action: string, assistant: Assistant): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (story.state === null || !isFinal(story.state)) {
      if (performance.now() > until) throw new Error(`${action} is still ${story.state}`);
      const seen = await this.#untilAnswered(null, () => assistant.call('get_action', { action, wait_s: WAIT_S }));
      story.state = seen.state as ActionState;
    }
  }

  /** Tries until there is an answer. The time of the try that worked counts as `kind`. */
  async #untilAnswered<T>(kind: string | null, call: () => Promise<T>): Promise<T> {
    const { latencies } = this.#options;
    let pauseMs = AGAIN_AFTER_MS.first;
    for (const until = performance.now() + PATIENCE_MS; ; pauseMs = Math.min(pauseMs * 2, AGAIN_AFTER_MS.longest)) {
      const { phase } = latencies;
      const began = performance.now();
      try {
        const answer = await within(ANSWER_MS, call());
        if (kind !== null) latencies.note(phase, kind, performance.now() - began);
        return answer;
      } catch (error) {
        const code = codeOf(error);
        latencies.refused(phase, code);
        if (performance.now() > until) throw new Error(`${kind ?? 'waiting'}: ${code}`, { cause: error });
        await pause(pauseMs);
      }
    }
  }
}
