/** G11: how many tool calls the front end takes, and how long the list of tools is that a model reads. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Assistant, connectAssistant } from '../../world/assistants.ts';
import { counted, type Goal } from '../goal.ts';
import { atLeast, atMost, judge } from '../judge.ts';
import { startCounted } from '../peers/counted-server.ts';
import { cpuMsOf } from '../process-figures.ts';
import { column, interleave } from '../rounds.ts';
import { type Scene, startScene, tokenFor } from '../scene.ts';
import { perSecond } from '../statistics.ts';

const ASSISTANTS = 10;
const AT_ONCE = 30;
const WARM = 1500;
/** As the test of the surface counts: four characters of JSON are about a token. */
const CHARACTERS_PER_TOKEN = 4;

export const g11: Goal = {
  id: 'G11',
  asks: 'At least 2,500 calls of MCP per second of CPU; `tools/list` in at most 8,000 tokens.',
  measure: async (bench) => {
    const calls = bench.count(3000, 500);
    await using scene = await startScene({ assistants: ASSISTANTS });
    await using bare = await startBare();
    // What V8 compiles on the way is no cost of a call.
    for (const load of [loadOurs(scene), bare.load]) await load(WARM);
    const { ours, sdk } = await interleave({
      ours: () => perCpuSecond(calls, loadOurs(scene), () => cpuMsOf(scene.world.pid)),
      sdk: () => perCpuSecond(calls, bare.load, bare.cpuMs),
    });
    const tokens = await listTokens(scene);
    return [
      judge({
        goal: 'G11',
        what: 'calls of MCP per second of CPU',
        unit: '/s',
        rounds: column(ours, 'perCpuSecond'),
        bound: atLeast(2500),
        note: `${counted(calls)} × list_servers in each round, ${AT_ONCE} at once from ${ASSISTANTS} tokens; CPU time of the control plane; by the clock ${Math.round(Math.max(...column(ours, 'wall')))} per second with the clients on the same cores`,
      }),
      judge({
        goal: 'G11',
        what: 'the same, beside the SDK alone',
        unit: '/s',
        rounds: column(ours, 'perCpuSecond'),
        peer: { name: 'MCP SDK, a tool that does nothing', rounds: column(sdk, 'perCpuSecond') },
        note: 'the SDK’s own handler on `node:http`, without token, schema of an answer or store',
      }),
      judge({
        goal: 'G11',
        what: '`tools/list`, tokens',
        unit: '',
        rounds: [tokens],
        bound: atMost(8000),
        note: `characters of the JSON over ${CHARACTERS_PER_TOKEN}`,
      }),
    ];
  },
};

/** Makes so many calls; resolves with how many ended per second by the clock. */
type Load = (calls: number) => Promise<number>;

const loadOurs =
  ({ assistants, assistant }: Scene): Load =>
  (calls) =>
    perSecond(calls, AT_ONCE, (_, lane) =>
      (assistants[lane % ASSISTANTS] ?? assistant).call('list_servers', { limit: 1 }),
    );

async function perCpuSecond(calls: number, load: Load, cpuMs: () => number | Promise<number>) {
  const before = await cpuMs();
  const wall = await load(calls);
  return { perCpuSecond: calls / (((await cpuMs()) - before) / 1000), wall };
}

/** The SDK alone, with as many clients. */
async function startBare() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startCounted('bare-mcp-server.ts'));
  const url = `http://127.0.0.1:${server.port}`;
  const clients: Assistant[] = [];
  for (let n = 0; n < ASSISTANTS; n += 1)
    clients.push(stack.use(await connectAssistant('v2', { url, token: 'none-needed' })));
  const load: Load = (calls) =>
    perSecond(calls, AT_ONCE, async (_, lane) => clients[lane % ASSISTANTS]?.call('nothing'));
  const kept = stack.move();
  return { load, cpuMs: () => server.cpuMs(), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function listTokens({ world }: Scene): Promise<number> {
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const headers = { authorization: `Bearer ${await tokenFor(world, ASSISTANTS)}` };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', world.url), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  await client.close();
  return Math.ceil(JSON.stringify({ tools }).length / CHARACTERS_PER_TOKEN);
}
