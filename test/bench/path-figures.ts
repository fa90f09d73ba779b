/** What a user's path costs: tool calls over MCP, and the way from an approval to the step's start. Everything is on: signature, policy, audit, redaction. */
import { connectAssistant } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import type { World } from '../world/world.ts';
import { type Figure, latency, ms, percentile, timings } from './figures.ts';

const APPROVALS = 20;

export async function pathFigures(world: World): Promise<Figure[]> {
  await using agent = await startLocalAgent(world, 'bench-path', {
    policy: 'mode: act\ncommands: true\nread_roots: [/etc]\n',
  });
  await using assistant = await connectAssistant('v2', { url: world.url, token: await world.token() });
  const lists = await timings(300, () => assistant.call('list_servers'));
  const reads = await timings(200, () => assistant.call('read_file', { server: agent.name, path: '/etc/hostname' }));
  const diagnoses = await timings(
    20,
    () => assistant.call('run_diagnostic', { server: agent.name, diagnostics: ['overview'] }),
    2,
  );
  const starts: number[] = [];
  for (let n = 0; n < APPROVALS; n += 1) starts.push(await approvalToStart(world, agent.name, n));
  return [
    latency('list_servers over MCP', lists),
    latency('read_file over MCP (an observe)', reads, 'through the runner'),
    latency('run_diagnostic overview over MCP', diagnoses, 'the sampling on the server included'),
    {
      what: "approval to the step's start",
      value: `p50 ${ms(percentile(starts, 50))}, p99 ${ms(percentile(starts, 99))}`,
      note: `${APPROVALS} commands (true), clocks of one machine`,
    },
  ];
}

async function approvalToStart(world: World, server: string, n: number): Promise<number> {
  const { action } = await world.owner('runCommand', { server, argv: ['true', String(n)] });
  if (!action) throw new Error('no action was made');
  await world.as(await secondSession(world))('approveAction', {
    action: action.id,
    digest: action.digest,
    typed_server: server,
  });
  const done = await eventually('the command to end', async () => {
    const seen = await world.owner('getAction', { action: action.id, wait_s: 5 });
    return seen.state === 'succeeded' ? seen : undefined;
  });
  return Date.parse(done.result?.steps[0]?.started_at ?? '') - Date.parse(done.approvals.at(-1)?.at ?? '');
}

// Who asked cannot approve with the same credential, so a second session of the same person decides.
let session: string | undefined;
async function secondSession(world: World): Promise<string> {
  session ??=
    (await world.as('')('signIn', { email: world.email, password: world.password, cli: true })).session ?? undefined;
  if (session === undefined) throw new Error('no session');
  return session;
}
