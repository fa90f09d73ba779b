/** What policy rules look at, for a plan and who asked for it. */
import type { PlanDraft, PlanStep } from '@countersign/protocol';
import type { PolicyFacts } from '../policy/policy.ts';
import type { Db } from '../storage/database.ts';
import type { ServerTable } from '../storage/tables.ts';
import { askerOf } from './action.store.ts';
import { understandPlan } from './understand-command.ts';

export interface Asker {
  readonly personId: string;
  readonly tokenId: string | null;
  readonly client: string | null;
}

/** The facts at a time, `at` in milliseconds since 1970. */
export async function policyFacts(
  db: Db,
  asker: Asker,
  server: Pick<ServerTable, 'name' | 'labels_json'>,
  plan: PlanDraft,
  at: number,
): Promise<PolicyFacts> {
  const { email, token } = await askerOf(db, asker.personId, asker.tokenId);
  // Steps that only put back what the action itself changed are no change of their own.
  const undo = plan.undo.filter((step) => !step.capability.endsWith('.restore'));
  return {
    server: { name: server.name, labels: JSON.parse(server.labels_json) as Record<string, string> },
    playbook: plan.source.kind === 'playbook' ? plan.source.id : null,
    capabilities: [...new Set([...plan.steps, ...undo].map(capabilityNamed))],
    readingCommand: [...plan.steps, ...undo].every((step) => step.capability === 'command.read'),
    programs: understandPlan(plan).programs,
    risk: plan.risk,
    person: { email },
    token: token === null ? null : { name: token },
    client: asker.client,
    at,
  };
}

/** The parts of an owner's command (run, check, undo) are one capability for rules: `local.<name>`. */
function capabilityNamed({ capability, parameters }: PlanStep): string {
  return capability.startsWith('local.') ? `local.${String(parameters.name)}` : capability;
}
