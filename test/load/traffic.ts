/**
 * Reading calls of assistants over MCP, at a fixed rate whether the ones before were answered or not: a stall is felt by every call that
 * was due in it. Each answer is looked at: it must be about the server that was asked.
 */
import { Fault } from '@countersign/protocol';
import { Chance } from '../simulation/chance.ts';
import { type Answer, type Assistant, ToolError } from '../world/assistants.ts';
import { goodCount, nameOf, steadyCount } from './fleet-roles.ts';
import type { Latencies } from './latencies.ts';

/** What one token may have under way is 64 (`mcp-limits.ts`); the rest is for those who wait for actions. */
const UNDER_WAY_PER_ASSISTANT = 40;
/** Nobody waits longer for a reading: those that take long are bounded to 20 s by the product. */
const ANSWER_MS = 30_000;
/** Every call to a server that keeps its link when all others are cut, whatever its kind. */
export const TO_STEADY = 'any, to a steady server';

export interface TrafficOptions {
  readonly assistants: readonly Assistant[];
  readonly servers: number;
  readonly callsPerSecond: number;
  readonly latencies: Latencies;
  readonly seed: number;
}

interface Reading {
  readonly tool: string;
  readonly input: (server: string) => Record<string, unknown>;
  /** The name of the server that an answer is about. */
  readonly about: (answer: Answer, server: string) => unknown;
}

const readings: readonly Reading[] = [
  {
    tool: 'list_servers',
    input: () => ({ limit: 20 }),
    about: ({ servers }, server) => (servers.length === 20 ? server : `${servers.length} servers`),
  },
  { tool: 'get_server_status', input: (server) => ({ server }), about: ({ name }) => name },
  {
    tool: 'run_diagnostic',
    input: (server) => ({ server, diagnostics: ['overview'] }),
    about: ({ findings }) => /on (load-\d+)$/.exec(findings[0]?.title)?.[1],
  },
  {
    tool: 'read_file',
    input: (server) => ({ server, path: '/etc/hostname' }),
    about: ({ untrusted_output }) => /^this is (load-\d+)$/m.exec(untrusted_output)?.[1],
  },
];

export class Traffic {
  /** Answers that were about something else. */
  readonly wrong: string[] = [];
  /** Calls that were due while too many were under way. */
  leftOut = 0;
  readonly #options: TrafficOptions;
  readonly #chance: Chance;
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #made = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
  }

  start(): void {
    const began = performance.now();
    const { callsPerSecond } = this.#options;
    let due = 0;
    this.#timer = setInterval(() => {
      for (; due < ((performance.now() - began) / 1000) * callsPerSecond; due += 1)
        this.#make(began + (due * 1000) / callsPerSecond);
    }, 5);
  }

  /** Whether every kind of call that began in a phase was answered. */
  eachAnsweredIn(phase: string): boolean {
    return readings.every(({ tool }) => this.#options.latencies.has(phase, tool));
  }

  /** Makes no more calls, and waits for those that are under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #make(dueAt: number): void {
    const { assistants } = this.#options;
    this.#made += 1;
    const assistant = assistants[this.#made % assistants.length];
    if (assistant === undefined || this.#underWay.size >= assistants.length * UNDER_WAY_PER_ASSISTANT) {
      this.leftOut += 1;
      return;
    }
    // One after the other, and each assistant another one in each round: a short phase has all of them.
    const turn = this.#made + Math.floor(this.#made / assistants.length);
    const reading = readings[turn % readings.length] as Reading;
    const call = this.#call(assistant, reading, dueAt).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
  }

  async #call(assistant: Assistant, reading: Reading, dueAt: number): Promise<void> {
    const { latencies, servers } = this.#options;
    const { phase } = latencies;
    const isSteady = this.#chance.happens(0.5);
    const steady = steadyCount(servers);
    const server = nameOf(
      isSteady ? this.#chance.below(steady) : steady + this.#chance.below(goodCount(servers) - steady),
    );
    const { tool, input, about } = reading;
    try {
      const answer = await within(ANSWER_MS, assistant.call(tool, input(server)));
      const ms = performance.now() - dueAt;
      const unanswered = answer.diagnostics?.[0]?.error?.code;
      if (unanswered !== undefined) {
        latencies.refused(phase, unanswered);
        return;
      }
      latencies.note(phase, tool, ms);
      if (isSteady && tool !== 'list_servers') latencies.note(phase, TO_STEADY, ms);
      const other = about(answer, server);
      if (other !== server) this.wrong.push(`${tool} of ${server} was answered about ${String(other)}`);
    } catch (error) {
      latencies.refused(phase, codeOf(error));
    }
  }
}

/** Rejects when there is no answer in time: a client whose stream broke may wait for longer than anybody would. */
export async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const bound = setTimeout(() => late.reject(new Error('no answer')), ms);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(bound);
  }
}

/** Why a call got no good answer: a code of the catalogue, or that nobody answered. */
export function codeOf(error: unknown): string {
  if (error instanceof ToolError || error instanceof Fault) return error.code;
  if (error instanceof TypeError) return 'unreachable';
  return error instanceof Error ? error.message.slice(0, 80) : String(error);
}
