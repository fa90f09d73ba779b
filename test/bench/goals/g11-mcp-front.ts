/** G11: how many tool calls the front end takes, and how long the list of tools is that a model reads. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { counted, type Goal } from '../goal.ts';
import { atLeast, atMost, judge } from '../judge.ts';
import { cpuMsOf } from '../process-figures.ts';
import { column, interleave } from '../rounds.ts';
import { type Scene, startScene, tokenFor } from '../scene.ts';
import { perSecond } from '../statistics.ts';

const ASSISTANTS = 10;
const AT_ONCE = 30;
/** As the test of the surface counts: four characters of JSON are about a token. */
const CHARACTERS_PER_TOKEN = 4;

export const g11: Goal = {
  id: 'G11',
  asks: 'At least 2,500 calls of MCP per second of CPU; `tools/list` in at most 8,000 tokens.',
  measure: async (bench) => {
    const calls = bench.count(3000, 500);
    await using scene = await startScene({ assistants: ASSISTANTS });
    await load(scene, Math.ceil(calls / 5)); // warm
    const { ours } = await interleave({
      ours: async () => {
        const before = cpuMsOf(scene.world.pid);
        const wall = await load(scene, calls);
        return { perCpuSecond: calls / ((cpuMsOf(scene.world.pid) - before) / 1000), wall };
      },
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
        what: '`tools/list`, tokens',
        unit: '',
        rounds: [tokens],
        bound: atMost(8000),
        note: `characters of the JSON over ${CHARACTERS_PER_TOKEN}`,
      }),
    ];
  },
};

const load = ({ assistants, assistant }: Scene, calls: number) =>
  perSecond(calls, AT_ONCE, (_, lane) =>
    (assistants[lane % ASSISTANTS] ?? assistant).call('list_servers', { limit: 1 }),
  );

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
