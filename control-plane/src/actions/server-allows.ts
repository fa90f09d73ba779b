/** What is known beforehand of what a server would refuse. Pure. The server judges for itself all the same. */
import { fits, type Playbook, type ServerAbilities } from '@countersign/playbooks';
import { capability, fault, isoTime, type PlanDraft, type PlanStep, riskAtMost } from '@countersign/protocol';
import { localPolicySummarySchema, serverFactsSchema } from '@countersign/protocol/agent-wire/facts';
import { remember } from '@countersign/protocol/remember';
import { z } from 'zod';
import type { ServerTable } from '../storage/tables.ts';

const capabilitiesSchema = z.array(z.string());

/** What a server's row tells of its abilities. */
export function abilitiesOf(
  row: Pick<ServerTable, 'capabilities_json' | 'facts_json' | 'policy_json'>,
): ServerAbilities {
  const facts = factsIn(row.facts_json);
  return {
    capabilities: capabilitiesIn(row.capabilities_json) ?? [],
    systemd: facts?.systemd ?? false,
    software: facts?.software ?? null,
    policy: policyIn(row.policy_json),
  };
}

const TEXTS_KEPT = 64;
/** A server may tell as much as a frame holds. So much is read each time. */
const TEXT_LONGEST = 32 * 1024;

/** Reads a column as its schema says. What it read last it still knows: a server tells the same at every call, and reading it takes long. */
function reader<T extends object>(schema: z.ZodType<T>): (text: string | null) => T | null {
  const known = new Map<string, T | null>();
  return (text) => {
    if (text === null) return null;
    const read = () => schema.safeParse(JSON.parse(text)).data ?? null;
    return text.length > TEXT_LONGEST ? read() : remember(known, TEXTS_KEPT, text, read);
  };
}

const factsIn = reader(serverFactsSchema);
const capabilitiesIn = reader(capabilitiesSchema);
const policyIn = reader(localPolicySummarySchema);

/** Throws `server_observe_only` or `playbook_does_not_fit` when a playbook cannot run there. */
export function refuseUnfit(playbook: Playbook, server: Pick<ServerTable, 'name'>, abilities: ServerAbilities): void {
  if (playbook.effect === 'mutate' && abilities.policy?.mode === 'observe')
    throw fault('server_observe_only', { server: server.name });
  const { fits: fit, reason } = fits(playbook, abilities);
  if (!fit) throw fault('playbook_does_not_fit', { playbook: playbook.id, server: server.name, reason: reason ?? '' });
}

/**
 * Throws what the server's own policy would answer to a plan: `server_observe_only`, `commands_disabled`, `server_policy_denies`,
 * `capability_missing`.
 */
export function refuseForbidden(draft: PlanDraft, server: Pick<ServerTable, 'name'>, abilities: ServerAbilities): void {
  const { policy, capabilities } = abilities;
  if (policy?.mode === 'observe') throw fault('server_observe_only', { server: server.name });
  if (policy?.commands === false && draft.steps.some((step) => step.capability === 'command.run'))
    throw fault('commands_disabled', { server: server.name });
  if (policy && !riskAtMost(draft.risk, policy.maxRisk))
    throw fault('server_policy_denies', {
      server: server.name,
      reason: `the risk is ${draft.risk}, it allows at most ${policy.maxRisk}`,
    });
  const needed = [...draft.steps, ...draft.undo, ...draft.preconditions, ...draft.check.probes];
  const missing = needed.find((part) => !capabilities.includes(part.capability));
  if (missing) throw fault('capability_missing', { server: server.name, capability: missing.capability });
  // People would be told less than what a step, or the undo of one, is. A locked server counts signatures by the highest too.
  const understated = [...draft.steps, ...draft.undo]
    .map((step) => declaredRisk(step, policy))
    .find(({ risk }) => !riskAtMost(risk, draft.risk));
  if (understated) throw fault('playbook_invalid', { problems: `its risk is lower than that of ${understated.of}` });
}

/** The risk of a step: of a command of the server's owner the one that was declared there. */
function declaredRisk({ capability: id, parameters }: PlanStep, policy: ServerAbilities['policy']) {
  const own = id.startsWith('local.') && policy?.ownCommands?.find(({ name }) => name === parameters.name);
  return own ? { of: `local.${own.name}`, risk: own.risk } : { of: id, risk: capability(id).risk };
}

/** Throws `server_offline` or `clock_skew` for a server that changes cannot be made on now. */
export function refuseUnreachable(
  server: Pick<ServerTable, 'id' | 'name' | 'last_seen_at' | 'clock_offset_ms'>,
  online: boolean,
  clockOffsetMostMs: number,
): void {
  if (!online)
    throw fault('server_offline', {
      server: server.name,
      since: server.last_seen_at === null ? 'it was added (no agent has connected yet)' : isoTime(server.last_seen_at),
    });
  const offset = Math.abs(server.clock_offset_ms ?? 0);
  if (offset > clockOffsetMostMs)
    throw fault('clock_skew', { server: server.name, seconds: Math.round(offset / 1000) });
}
