/** The one table of what agents can do. It feeds the agent's handlers, MCP, playbook steps and policy. */
import { z } from 'zod';
import type { Capability } from './capability.ts';
import { diagnostics } from './diagnostics.ts';
import { fileMutations, fileObservations } from './files.ts';
import { mutations } from './mutations.ts';
import { probes } from './probes.ts';

export * from './capability.ts';
export * from './files.ts';
export { fileStateSchema, unitStateSchema } from './probes.ts';

export const observations = { ...diagnostics, ...probes, ...fileObservations };
export const changes = { ...mutations, ...fileMutations };
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
