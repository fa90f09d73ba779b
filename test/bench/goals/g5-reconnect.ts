/**
 * G5: every agent comes back at the same moment, while approvals fall and somebody works on another server. Counted afterwards by
 * what the servers themselves saw: each approved change started once, and each result is in the store.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Backoff } from '@countersign/agent/link/backoff';
import type { SignedGrant } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { type SimulatedAgent, type SimulatedAgentOptions, waitAfter } from '../../load/simulated-agent.ts';
import { eventually } from '../../world/eventually.ts';
import type { World } from '../../world/world.ts';
import { type Caller, startCaller } from '../caller.ts';
import { connectCrowd, dropCrowd, type Enrolled, enrolCrowd } from '../crowd.ts';
import { type Bench, counted, type Goal } from '../goal.ts';
import { atMost, judge } from '../judge.ts';
import { socketsPossible } from '../process-figures.ts';
import { column, interleave, type Readings } from '../rounds.ts';
import { type Scene, startScene, tokenFor } from '../scene.ts';
import { secondSession } from '../second-session.ts';
import { percentile } from '../statistics.ts';

/** As long as a link waits for a welcome. */
const WELCOME_MS = 20_000;
const LONGEST_MS = 120_000;
const AGENTS_ASKED = 10_000;

export const g5: Goal = {
  id: 'G5',
  asks: '10,000 agents that reconnect at once are all back within 60 s, no approval and no result is lost, and the p99 of a tool call to another server is at most 3 × its quiet value.',
  measure: async (bench) => {
    const size = Math.min(bench.count(AGENTS_ASKED, 500), socketsPossible());
    const smaller = size < AGENTS_ASKED;
    const approvals = bench.count(10, 5);
    await using scene = await startScene();
    bench.say(`enrolling ${counted(size)} simulated agents`);
    const crowd = await enrolCrowd(scene.world, size);
    await eventually('the real agent to be back', () => reads(scene), { timeoutMs: 70_000 });
    const tokens = await Promise.all([1, 2, 3].map((n) => tokenFor(scene.world, n)));
    await using caller = await startCaller({ url: scene.world.url, tokens, server: scene.agent.name });
    const storms = { bench, caller, crowd, approvals, world: scene.world };
    const { storm } = await interleave({ storm: (round) => oneStorm(storms, round) });
    const note = `${counted(size)} simulated agents, all cut and dialling at once; ${approvals} approvals given meanwhile to servers that are away`;
    return [
      judge({
        goal: 'G5',
        what: 'until all are back',
        unit: 's',
        rounds: column(storm, 'back'),
        bound: atMost(60),
        smaller,
        note,
      }),
      judge({
        goal: 'G5',
        what: 'approvals or results lost, or started twice',
        unit: '',
        rounds: column(storm, 'wrong'),
        bound: atMost(0),
        smaller,
        note: 'the servers’ own count of starts against the store',
      }),
      judge({
        goal: 'G5',
        what: 'tool call to another server meanwhile, p99',
        unit: 'ms',
        rounds: column(storm, 'p99'),
        peer: { name: 'the same when it is quiet', rounds: column(storm, 'quiet') },
        bound: atMost(3),
        smaller,
        note: 'read_file over MCP on a real agent, one after the other, from a process of its own',
      }),
    ];
  },
};

interface Storms {
  readonly bench: Bench;
  readonly caller: Caller;
  readonly crowd: readonly Enrolled[];
  readonly approvals: number;
  readonly world: World;
}

async function oneStorm({ bench, caller, crowd, approvals, world }: Storms, round: number): Promise<Readings> {
  const starts = new Map<string, number>();
  const agents = await connectCrowd(world, crowd, () => acting(starts));
  try {
    const waiting = await askFor(world, crowd.slice(0, approvals), round);
    const quiet = await caller.calls(bench.count(200, 50));
    const decide = world.as(await secondSession(world));
    const endCalls = caller.begin();
    const began = performance.now();
    for (const agent of agents) agent.drop();
    const back = Promise.all(agents.map((agent) => comeBack(agent))).then(() => (performance.now() - began) / 1000);
    const decided = Promise.all(
      waiting.map(({ id, digest, server }) => decide('approveAction', { action: id, digest, typed_server: server })),
    );
    await back;
    const calls = await endCalls();
    await decided;
    const wrong = await countWrong(world, waiting, starts);
    return { back: await back, wrong, p99: percentile(calls, 99), quiet: percentile(quiet, 99) };
  } finally {
    await dropCrowd(agents);
  }
}

const reads = ({ assistant, agent }: Scene) =>
  assistant.call('read_file', { server: agent.name, path: '/etc/hostname' });

/** What a runner does, in the shortest way; counts how often each action was started. */
function acting(starts: Map<string, number>): Partial<SimulatedAgentOptions> {
  return {
    policy: { commands: true },
    onPreview: (draft) => ({
      steps: draft.steps.map(({ id }) => ({ step: id, argv: [], diff: null, effects: [], undo: null })),
      witness: [],
      predictable: false,
    }),
    onDispatch: ({ grant: { actionId } }: SignedGrant, agent: SimulatedAgent) => {
      // A grant may come twice for one action: the runner's journal makes the second one harmless.
      if (starts.has(actionId)) return;
      starts.set(actionId, 1);
      const at = Date.now();
      agent.report({ type: 'started', actionId, at });
      const result = { outcome: 'succeeded', summary: 'It ran.', steps: [], check: null } as const;
      const ends = { undo: { state: 'not_needed', steps: [] as [] }, startedAt: at, finishedAt: at } as const;
      agent.report({
        type: 'finished',
        actionId,
        result: { ...result, ...ends, journalHead: 'a'.repeat(64) } as never,
      });
    },
  };
}

interface Waiting {
  readonly id: string;
  readonly digest: string;
  readonly server: string;
}

async function askFor(world: World, servers: readonly Enrolled[], round: number): Promise<Waiting[]> {
  const asked: Waiting[] = [];
  for (const { name: server } of servers) {
    const { action } = await world.owner('runCommand', { server, argv: ['/usr/bin/true', String(round)] });
    if (!action) throw new Error('no action was made');
    asked.push({ id: action.id, digest: action.digest, server });
  }
  return asked;
}

/** Dials until it is let in, with the link's own patience and backoff. */
async function comeBack(agent: SimulatedAgent): Promise<void> {
  await agent.ended;
  const backoff = new Backoff(systemIds);
  const until = performance.now() + LONGEST_MS;
  for (;;) {
    const bound = setTimeout(() => agent.drop(), WELCOME_MS);
    let waitMs: number;
    try {
      await agent.connect();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      waitMs = waitAfter(error, backoff);
    } finally {
      clearTimeout(bound);
    }
    agent.drop();
    await pause(waitMs);
  }
}

async function countWrong(
  world: World,
  waiting: readonly Waiting[],
  starts: ReadonlyMap<string, number>,
): Promise<number> {
  let wrong = 0;
  for (const { id } of waiting) {
    const seen = await eventually(
      `the action ${id} to end`,
      async () => {
        const action = await world.owner('getAction', { action: id, wait_s: 5 });
        return ['succeeded', 'failed', 'unknown', 'expired', 'denied', 'refused'].includes(action.state) && action;
      },
      { timeoutMs: 150_000 },
    );
    if (seen.state !== 'succeeded' || starts.get(id) !== 1) wrong += 1;
  }
  return wrong;
}
