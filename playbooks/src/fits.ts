import { riskAtMost } from '@countersign/protocol';
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import type { Playbook } from './playbook.ts';

/** What is known of a server: what its agent can do, whether systemd runs it, and what its own policy says. */
export interface ServerAbilities {
  readonly capabilities: readonly string[];
  readonly systemd: boolean;
  /** Known software that is there; null when it was not told. */
  readonly software: readonly string[] | null;
  readonly policy: LocalPolicySummary | null;
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
  { capabilities, systemd, software, policy }: ServerAbilities,
): string | undefined {
  const missing = [...new Set(capabilitiesOf(playbook))].filter((id) => !capabilities.includes(id));
  if (playbook.needsSystemd && !systemd) return 'the server is not run by systemd';
  const absent = playbook.needs.filter((name) => software !== null && !software.includes(name));
  if (absent.length > 0) return `${absent.join(' and ')} ${absent.length === 1 ? 'is' : 'are'} not installed there`;
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

/**
 * What the playbook needs whatever its parameters are. Parts with `when` may be left out, and of its diagnostics one is enough:
 * the answer says which of the others could not be read.
 */
function capabilitiesOf(playbook: Playbook): string[] {
  const always = <T extends { readonly when?: string | undefined }>(parts: readonly T[] | undefined) =>
    (parts ?? []).filter((part) => part.when === undefined);
  return [
    ...always(playbook.preconditions).map((probe) => probe.capability),
    ...always(playbook.steps).map((step) => step.capability),
    ...always(playbook.check?.probes).map((probe) => probe.capability),
    ...always(playbook.undo).map((step) => step.capability),
  ];
}
