/** What there is on a server. */
import { z } from 'zod';
import { observe } from './capability.ts';

export const discoveredKinds = [
  'unit',
  'container',
  'listener',
  'runtime',
  'virtual_host',
  'database',
  'certificate',
  'timer',
  'deploy_root',
] as const;
export const discoveredKindSchema = z.enum(discoveredKinds);
export type DiscoveredKind = z.infer<typeof discoveredKindSchema>;

/** One thing on a server. Kind and name name it: what has both the same is the same thing. */
export const discoveredSchema = z.object({
  kind: discoveredKindSchema,
  name: z.string().max(300),
  /** How it is, in a word: `active`, `running`, `22.3.1`. Changes of it count as changes of the thing. */
  state: z.string().max(100).nullable(),
  /** What else is worth knowing, one line. */
  detail: z.string().max(300),
});
export type Discovered = z.infer<typeof discoveredSchema>;

export const discoverySchema = z.object({
  found: z.array(discoveredSchema).max(2000),
  /** Names of all units that can be started, those that do not run too; `null` where they could not be seen. */
  units: z.array(z.string().max(255)).max(3000).nullable(),
  /** Kinds that could not be looked for, and why. */
  blind: z.array(z.object({ kind: discoveredKindSchema, why: z.string().max(300) })),
  truncated: z.boolean(),
});
export type Discovery = z.infer<typeof discoverySchema>;

export const diagnostics = {};

export const probes = {
  'discover.services': observe(
    'Units, containers, listeners, runtimes, virtual hosts, databases, certificates, timers and deploy roots.',
    z.strictObject({}),
    discoverySchema,
    { timeoutMs: 18_000 },
  ),
};

export const changes = {};
