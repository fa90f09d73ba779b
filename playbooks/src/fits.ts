import { type DiscoveredKind, discoveredKinds, riskAtMost, unitSchema } from '@countersign/protocol';
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import type { Playbook } from './playbook.ts';

/** What is known of a server: what its agent can do, whether systemd runs it, and what its own policy says. */
export interface ServerAbilities {
  readonly capabilities: readonly string[];
  readonly systemd: boolean;
  /** Known software that is there; null when it was not told. */
  readonly software: readonly string[] | null;
  readonly policy: LocalPolicySummary | null;
  /** What discovery found there lately; null when nobody looked. */
  readonly discovered?: Discovered | null;
}

/** What discovery tells of a server. What it could not see is not held against it. */
export interface Discovered {
  /** Names of all units that can be started; null when they could not be seen. */
  readonly units: readonly string[] | null;
  /** Kinds of which there is at least one. */
  readonly kinds: readonly DiscoveredKind[];
  /** Kinds that could not be looked for. */
  readonly blind: readonly DiscoveredKind[];
}

/** Whether a playbook can be run on a server, and if not, why, as half a sentence: `the server has no capability unit.restart`. */
export function fits(
  playbook: Playbook,
  server: ServerAbilities,
): { readonly fits: boolean; readonly reason?: string } {
  const reason = obstacle(playbook, server);
  return reason === undefined ? { fits: true } : { fits: false, reason };
}

function obstacle(
  playbook: Playbook,
  { capabilities, systemd, software, policy, discovered = null }: ServerAbilities,
): string | undefined {
  const missing = [...new Set(capabilitiesOf(playbook))].filter((id) => !capabilities.includes(id));
  if (playbook.needsSystemd && !systemd) return 'the server is not run by systemd';
  const absent = playbook.needs.filter((name) => !isKind(name) && software !== null && !software.includes(name));
  if (absent.length > 0) return `${absent.join(' and ')} ${absent.length === 1 ? 'is' : 'are'} not installed there`;
  const unfound = discovered === null ? undefined : unfoundBy(playbook, discovered);
  if (unfound !== undefined) return unfound;
  if (missing.length > 0) return `the server has no capability ${missing.join(', ')}`;
  const readings = playbook.diagnostics ?? [];
  if (readings.length > 0 && readings.every(({ diagnostic }) => !capabilities.includes(diagnostic)))
    return 'the server has none of the diagnostics that it reads';
  if (playbook.effect === 'observe' || policy === null) return undefined;
  if (policy.mode === 'observe') return "the server's own policy allows reading only";
  if (!riskAtMost(playbook.risk, policy.maxRisk))
    return `its risk is ${playbook.risk} and the server's own policy allows at most ${policy.maxRisk}`;
  return undefined;
}

const isKind = (name: string): name is DiscoveredKind => discoveredKinds.some((kind) => kind === name);

function unfoundBy(playbook: Playbook, { units, kinds, blind }: Discovered): string | undefined {
  const kind = playbook.needs.filter(isKind).find((each) => !kinds.includes(each) && !blind.includes(each));
  if (kind !== undefined) return `discovery found no ${kind.replace('_', ' ')} there`;
  const unit = units === null ? undefined : unitsOf(playbook).find((name) => !units.includes(name));
  return unit === undefined ? undefined : `there is no unit ${unit} there`;
}

/** Units that it works on whatever is given: written out, or the default of a parameter. Instances of templates are made when asked for. */
function unitsOf(playbook: Playbook): string[] {
  const parts = [...always(playbook.preconditions), ...always(playbook.steps), ...always(playbook.check?.probes)];
  const named = parts.map(({ parameters }) => parameters.unit);
  const presets = Object.values(playbook.parameters).map((each) => (each.type === 'unit' ? each.default : undefined));
  return [...named, ...presets]
    .flatMap((name) => unitSchema.safeParse(name).data ?? [])
    .filter((name) => !name.includes('@'));
}

/** Parts that are there whatever is given. */
function always<T extends { readonly when?: string | undefined }>(parts: readonly T[] | undefined): T[] {
  return (parts ?? []).filter((part) => part.when === undefined);
}

/**
 * What the playbook needs whatever its parameters are. Parts with `when` may be left out, and of its diagnostics one is enough:
 * the answer says which of the others could not be read.
 */
function capabilitiesOf(playbook: Playbook): string[] {
  return [
    ...always(playbook.preconditions).map((probe) => probe.capability),
    ...always(playbook.steps).map((step) => step.capability),
    ...always(playbook.check?.probes).map((probe) => probe.capability),
    ...always(playbook.undo).map((step) => step.capability),
  ];
}
