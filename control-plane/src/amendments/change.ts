/** A change of policy, roles, people or tokens, as an amendment keeps it. */
import { roleSchema } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import type { AdministrationStrength } from '../policy/administration.ts';
import type { ChangeKind } from '../policy/policy.ts';

export const changeSchema = z.discriminatedUnion('does', [
  /** `before`: SHA-256 of the rules that it replaces. */
  z.strictObject({ does: z.literal('set_policy'), yaml: z.string(), before: z.string() }),
  z.strictObject({ does: z.literal('change_role'), person: z.string(), role: roleSchema }),
  z.strictObject({ does: z.literal('invite_person'), email: z.string(), name: z.string(), role: roleSchema }),
  z.strictObject({ does: z.literal('remove_person'), person: z.string() }),
  z.strictObject({
    does: z.literal('create_token'),
    name: z.string(),
    scope: z.enum(['read', 'request']),
    days: z.int().optional(),
  }),
]);
export type Change = z.output<typeof changeSchema>;
/** A change whose result has a secret: who asked for it collects it once the others agreed. */
export type CollectedChange = Extract<Change, { does: 'invite_person' | 'create_token' }>;

/** What the column `change_json` holds: the change, and how strong a proof its rule asked for. */
const keptSchema = z.strictObject({
  change: changeSchema,
  strength: z.enum(['session', 'code', 'passkey', 'best']),
});
export type KeptChange = z.output<typeof keptSchema>;

export function keep(change: Change, strength: AdministrationStrength): string {
  return JSON.stringify({ change, strength } satisfies KeptChange);
}

export function kept(json: string): KeptChange {
  return keptSchema.parse(JSON.parse(json));
}

const kinds: Readonly<Record<Change['does'], ChangeKind>> = {
  set_policy: 'policy',
  change_role: 'role',
  invite_person: 'person',
  remove_person: 'person',
  create_token: 'token',
};

export function kindOf({ does }: Change): ChangeKind {
  return kinds[does];
}

export function isCollected(change: Change): change is CollectedChange {
  return change.does === 'invite_person' || change.does === 'create_token';
}

/** Whether there may be another owner after it. */
export function makesOwner(change: Change): boolean {
  return (change.does === 'invite_person' || change.does === 'change_role') && change.role === 'owner';
}

/** Whether it gives nobody the power to ask for changes or to decide: then no rule is looked at. */
export function isHarmless(change: Change): boolean {
  if (change.does === 'invite_person') return change.role === 'viewer';
  return change.does === 'create_token' && change.scope === 'read';
}
