/**
 * The one table of what agents can do, an area per file. It feeds the agent's handlers, MCP, playbook steps and policy. Each
 * area has `diagnostics` (people and assistants meet them; they return findings), `probes` (small readings of which
 * preconditions, checks and witnesses are made) and `changes`. Source: catalog.md.
 */
import { z } from 'zod';
import * as agent from './agent.ts';
import type { Capability } from './capability.ts';
import * as certificates from './certificates.ts';
import * as commands from './commands.ts';
import * as containers from './containers.ts';
import * as databases from './databases.ts';
import * as deploys from './deploys.ts';
import * as discovery from './discovery.ts';
import * as disk from './disk.ts';
import * as files from './files.ts';
import * as firewall from './firewall.ts';
import * as host from './host.ts';
import * as kubernetes from './kubernetes.ts';
import * as logs from './logs.ts';
import * as network from './network.ts';
import * as nginx from './nginx.ts';
import * as packages from './packages.ts';
import * as processes from './processes.ts';
import * as schedule from './schedule.ts';
import * as ssh from './ssh.ts';
import * as time from './time.ts';
import * as units from './units.ts';

export { agentVersionSchema, changesAgent } from './agent.ts';
export * from './capability.ts';
export {
  composeServiceSchema,
  containerNameSchema,
  type Health,
  projectSchema,
} from './containers.ts';
export {
  appNameSchema,
  type DeployCheck,
  type DeployVerdict,
  deployVerdictSchema,
  refSchema,
  releaseNameSchema,
} from './deploys.ts';
export {
  type Discovered,
  type DiscoveredKind,
  type Discovery,
  discoveredKindSchema,
  discoveredKinds,
  discoveredSchema,
  discoverySchema,
} from './discovery.ts';
export { FILE_BYTES_MAX, fileStateSchema, validatorSchema } from './files.ts';
export { RULESET_CHARACTERS_MAX } from './firewall.ts';
export { localPortSchema, localUrlSchema } from './network.ts';
export { NOFILE_MAX, unitStateSchema } from './units.ts';

const diagnostics = {
  ...units.diagnostics,
  ...logs.diagnostics,
  ...disk.diagnostics,
  ...processes.diagnostics,
  ...network.diagnostics,
  ...nginx.diagnostics,
  ...firewall.diagnostics,
  ...ssh.diagnostics,
  ...certificates.diagnostics,
  ...time.diagnostics,
  ...files.diagnostics,
  ...commands.diagnostics,
  ...containers.diagnostics,
  ...kubernetes.diagnostics,
  ...databases.diagnostics,
  ...deploys.diagnostics,
  ...packages.diagnostics,
  ...schedule.diagnostics,
  ...host.diagnostics,
  ...agent.diagnostics,
  ...discovery.diagnostics,
};
const probes = {
  ...units.probes,
  ...logs.probes,
  ...disk.probes,
  ...processes.probes,
  ...network.probes,
  ...nginx.probes,
  ...firewall.probes,
  ...ssh.probes,
  ...certificates.probes,
  ...time.probes,
  ...files.probes,
  ...commands.probes,
  ...containers.probes,
  ...kubernetes.probes,
  ...databases.probes,
  ...deploys.probes,
  ...packages.probes,
  ...schedule.probes,
  ...host.probes,
  ...agent.probes,
  ...discovery.probes,
};
export const observations = { ...diagnostics, ...probes };
export const changes = {
  ...units.changes,
  ...logs.changes,
  ...disk.changes,
  ...processes.changes,
  ...network.changes,
  ...nginx.changes,
  ...firewall.changes,
  ...ssh.changes,
  ...certificates.changes,
  ...time.changes,
  ...files.changes,
  ...commands.changes,
  ...containers.changes,
  ...kubernetes.changes,
  ...databases.changes,
  ...deploys.changes,
  ...packages.changes,
  ...schedule.changes,
  ...host.changes,
  ...agent.changes,
  ...discovery.changes,
};
export const capabilities = { ...observations, ...changes };

export type DiagnosticId = keyof typeof diagnostics;
export type ObservationId = keyof typeof observations;
export type ChangeId = keyof typeof changes;
export type CapabilityId = keyof typeof capabilities;

/** The parameters of a capability after parsing: defaults filled in, names completed. */
export type ParametersOf<C extends CapabilityId> = z.output<(typeof capabilities)[C]['parameters']>;
/** What a capability returns. */
export type ResultOf<C extends CapabilityId> = z.output<(typeof capabilities)[C]['result']>;

export const diagnosticIds = Object.keys(diagnostics) as DiagnosticId[];
export const observationIds = Object.keys(observations) as ObservationId[];
export const changeIds = Object.keys(changes) as ChangeId[];
export const capabilityIds = Object.keys(capabilities) as CapabilityId[];

export const diagnosticIdSchema = z.enum(diagnosticIds);
export const observationIdSchema = z.enum(observationIds);
export const changeIdSchema = z.enum(changeIds);
export const capabilityIdSchema = z.enum(capabilityIds);

/** The declaration of a capability by its id, with its exact types widened. */
export function capability(id: CapabilityId): Capability {
  return capabilities[id];
}
