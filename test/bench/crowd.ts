/**
 * Thousands of simulated agents on one real control plane. They are enrolled in its store while it does not run; what is
 * measured afterwards is real: the handshake with proofs of both sides, the hello, heartbeats.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { SigningKey } from '@countersign/protocol/signing';
import { enrolMany } from '../load/enrol-many.ts';
import { keyOf, nameOf } from '../load/fleet-roles.ts';
import { type SimulatedAgent, type SimulatedAgentOptions, simulatedAgent } from '../load/simulated-agent.ts';
import type { World } from '../world/world.ts';

export interface Enrolled {
  readonly serverId: string;
  readonly name: string;
  readonly key: SigningKey;
}

/** Enrols so many. The control plane is stopped meanwhile and runs again afterwards. */
export async function enrolCrowd(world: World, count: number): Promise<Enrolled[]> {
  let ids: string[] = [];
  await world.restart('SIGTERM', async () => {
    ids = await enrolMany(world.dataDir, count);
  });
  return ids.map((serverId, n) => ({ serverId, name: nameOf(n), key: keyOf(n) }));
}

const CONNECTING_AT_ONCE = 50;

/** Connects some of the crowd, a few at a time. Each sends heartbeats as often as the control plane asks. */
export async function connectCrowd(
  world: World,
  crowd: readonly Enrolled[],
  options: (enrolled: Enrolled) => Partial<SimulatedAgentOptions> = () => ({}),
): Promise<SimulatedAgent[]> {
  const agents = crowd.map((enrolled) =>
    simulatedAgent({ url: world.url, ...enrolled, heartbeats: true, remembers: false, ...options(enrolled) }),
  );
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTING_AT_ONCE }, async () => {
      for (let agent = agents[next++]; agent !== undefined; agent = agents[next++]) await agent.connect();
    }),
  );
  return agents;
}

/** Ends all connections, without a word: an idle agent owes nothing. */
export async function dropCrowd(agents: readonly SimulatedAgent[]): Promise<void> {
  await Promise.all(
    agents.map(async (agent) => {
      agent.drop();
      await agent.ended;
    }),
  );
  await pause(200);
}
