/**
 * The real thing on loopback: a control plane process, a link with its runner, assistants over MCP. Policy, signature, audit and
 * redaction are on. What an assistant asks for is allowed by a rule of the policy; what the owner asks for waits for a human.
 */
import { type Assistant, connectAssistant } from '../world/assistants.ts';
import { type LocalAgent, startLocalAgent } from '../world/local-agent.ts';
import { startWorld, type World } from '../world/world.ts';
import { installedAgent } from './installed-agent.ts';
import { type SlowProxy, startSlowProxy } from './slow-proxy.ts';

const policy = `format: countersign-policy/1
rules:
  - { name: assistants-may, when: { tokens: ["assistant*"] }, allow: true }
`;
export const serverPolicy = 'mode: act\ncommands: true\nread_roots: [/etc, /tmp]\n';

export interface Scene extends AsyncDisposable {
  readonly world: World;
  readonly agent: LocalAgent;
  /** Each with a token of its own: of one credential only six calls run at once. */
  readonly assistants: readonly Assistant[];
  /** The first of them. */
  readonly assistant: Assistant;
}

export const startBenchWorld = (): Promise<World> => startWorld({ policy });

/** Builds a scene. `roundTripMs`: the way between control plane and server is that long. */
export async function startScene({
  assistants = 1,
  roundTripMs = 0,
}: {
  readonly assistants?: number;
  readonly roundTripMs?: number;
} = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await startBenchWorld());
  const proxy = roundTripMs > 0 ? stack.use(await startSlowProxy(Number(new URL(world.url).port), roundTripMs)) : null;
  const program = await installedAgent();
  const agent = stack.use(await startLocalAgent(behind(world, proxy), 'bench', { policy: serverPolicy, program }));
  const connected: Assistant[] = [];
  for (let n = 0; n < assistants; n += 1)
    connected.push(stack.use(await connectAssistant('v2', { url: world.url, token: await tokenFor(world, n) })));
  const [assistant] = connected;
  if (assistant === undefined) throw new RangeError('a scene takes at least one assistant');
  const kept = stack.move();
  return {
    ...{ world, agent, assistants: connected, assistant },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export const tokenFor = async (world: World, n: number): Promise<string> =>
  (await world.owner('createToken', { name: `assistant ${n}`, scope: 'request' })).secret;

/** The same world, dialled through the proxy. */
function behind(world: World, proxy: SlowProxy | null): World {
  if (proxy === null) return world;
  return Object.create(world, { url: { value: `http://127.0.0.1:${proxy.port}` } }) as World;
}

/** Runs argv as an assistant does: asks, then waits for the end. Resolves with the answer of `get_action`; rejects unless it succeeded. */
export async function runThrough(assistant: Assistant, server: string, argv: readonly string[]) {
  let seen = await assistant.call('run_command', { server, argv });
  const { action } = seen;
  for (let tries = 0; tries < 5 && !['succeeded', 'failed', 'refused', 'denied'].includes(seen.state); tries += 1)
    seen = await assistant.call('get_action', { action, wait_s: 30 });
  if (seen.state !== 'succeeded') throw new Error(`${argv.join(' ')}: ${seen.state}, ${seen.status}`);
  return seen;
}
