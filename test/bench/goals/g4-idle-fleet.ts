/** G4: what an idle agent costs the control plane, and whether the cost stays the same when there are many. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type SimulatedAgent, simulatedAgent } from '../../load/simulated-agent.ts';
import type { World } from '../../world/world.ts';
import { connectCrowd, dropCrowd, type Enrolled, enrolCrowd } from '../crowd.ts';
import { type Bench, counted, type Goal } from '../goal.ts';
import { atLeast, atMost, judge, type Row } from '../judge.ts';
import { type EchoServer, startEcho } from '../peers/echo.ts';
import { memoryOf, socketsPossible } from '../process-figures.ts';
import { column, interleave, type Readings } from '../rounds.ts';
import { startBenchWorld } from '../scene.ts';
import { perSecond } from '../statistics.ts';

const AGENTS_ASKED = 20_000;
/** Idle is who rests: 5 to 10 s after the last of many connected, the control plane gives back what their handshakes left. Also bare ws has so long. */
const REST_MS = 15_000;

export const g4: Goal = {
  id: 'G4',
  asks: 'The control plane takes at most 1.4 × the memory of bare `ws` per idle agent at 10,000; it holds 20,000 agents in one process; one of 20,000 costs at most 1.1 × one of 1,000.',
  measure: async (bench) => {
    const most = Math.min(bench.count(AGENTS_ASKED, 2000), socketsPossible());
    const [few, many] = [bench.count(1000, 200), Math.min(bench.count(10_000, 2000), most)];
    await using world = await startBenchWorld();
    const enrolments = await enrolSome(bench, world);
    bench.say(`enrolling ${counted(most)} simulated agents`);
    const crowd = await enrolCrowd(world, most);
    const measured = await interleave({
      ours: () => ourRound(world, crowd, new Set([few, many, most])),
      ws: () => wsRound(many),
    });
    const of = (size: number) => column(measured.ours, `at ${size}`);
    const note = `heartbeats on; resident memory ${REST_MS / 1000} s after the last connected, against ${REST_MS / 1000} s after the start`;
    return [
      judge({
        goal: 'G4',
        what: `memory per idle agent, at ${counted(many)}`,
        unit: 'KB',
        rounds: of(many),
        peer: { name: 'bare ws', rounds: column(measured.ws, 'KB') },
        bound: atMost(1.4),
        smaller: many < 10_000,
        note,
      }),
      judge({
        goal: 'G4',
        what: 'agents on one process',
        unit: '',
        rounds: column(measured.ours, 'connected'),
        ...(most >= AGENTS_ASKED && { bound: atLeast(AGENTS_ASKED) }),
        note: `as many as this run tried, judged only where it tries ${counted(AGENTS_ASKED)}; open files allow ${counted(socketsPossible())} to the side of the agents`,
      }),
      judge({
        goal: 'G4',
        what: `memory per idle agent, at ${counted(most)}`,
        unit: 'KB',
        rounds: of(most),
        peer: { name: `the same at ${counted(few)}`, rounds: of(few) },
        bound: atMost(1.1),
        smaller: most < AGENTS_ASKED,
        note,
      }),
      enrolments,
    ];
  },
};

/** Enrolment as it is: a server is added, its key is bound by a token, both sides prove themselves, all of it audited. */
async function enrolSome(bench: Bench, world: World): Promise<Row> {
  const times = bench.count(100, 30);
  let n = 0;
  const enrol = async () => {
    n += 1;
    const { enrolment_token: token } = await world.owner('addServer', { name: `one-${n}` });
    await using agent = simulatedAgent({ url: world.url, token });
    await agent.connect();
  };
  const { ours } = await interleave({ ours: async () => ({ perSecond: await perSecond(times, 10, enrol) }) });
  const note = `${times} in each round, ten at a time: server added, key bound, both sides proven, audited`;
  return judge({ goal: 'G4', what: 'enrolments per second', unit: '/s', rounds: column(ours, 'perSecond'), note });
}

async function ourRound(world: World, crowd: readonly Enrolled[], sizes: ReadonlySet<number>): Promise<Readings> {
  await world.restart('SIGTERM');
  await pause(REST_MS);
  const base = memoryOf(world.pid).rss;
  const readings: Record<string, number> = {};
  const agents: SimulatedAgent[] = [];
  try {
    for (const size of sizes) {
      agents.push(...(await connectCrowd(world, crowd.slice(agents.length, size))));
      await pause(REST_MS);
      readings[`at ${size}`] = ((memoryOf(world.pid).rss - base) * 1024) / size;
    }
    readings.connected = agents.filter(({ isOpen }) => isOpen).length;
    return readings;
  } finally {
    await dropCrowd(agents);
  }
}

async function wsRound(size: number): Promise<Readings> {
  await using server = await startEcho('ws');
  await pause(REST_MS);
  const base = memoryOf(server.pid).rss;
  const sockets: WebSocket[] = [];
  for (let n = 0; n < size; n += 50)
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(50, size - n) }, () => openWs(server)))));
  await pause(REST_MS);
  const KB = ((memoryOf(server.pid).rss - base) * 1024) / size;
  for (const socket of sockets) socket.terminate();
  return { KB };
}

async function openWs({ url }: EchoServer): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}
