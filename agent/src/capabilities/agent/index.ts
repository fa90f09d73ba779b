/** The code behind `protocol/src/capabilities/agent.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { agent } from './agent.ts';
import { agentRepair } from './repair.ts';
import { readAgentState } from './state.ts';
import { agentUninstall } from './uninstall.ts';
import { agentUpdate } from './update.ts';

export const diagnostics = { agent } satisfies Partial<Observers>;
export const probes = { 'agent.state': async (_, context) => readAgentState(context) } satisfies Partial<Observers>;
export const changes = {
  'agent.repair': agentRepair,
  'agent.uninstall': agentUninstall,
  'agent.update': agentUpdate,
} satisfies Partial<Changers>;
