/** What policy asks for before policy, roles, people or tokens change. Pure. */
import type { ChangeKind, Policy } from './policy.ts';

/** How strong a fresh proof has to be; `best`: the strongest kind that the person has, a code at most. */
export type AdministrationStrength = 'session' | 'code' | 'passkey' | 'best';

export interface AdministrationAsk {
  /** The name of the rule; `no-rule` when none matches. */
  readonly rule: string;
  /** How many other owners have to agree. */
  readonly others: number;
  readonly strength: AdministrationStrength;
}

/** Tokens cannot decide and invitations are on record; rules and roles are what keeps everybody honest. */
const strengthUnlessSaid: Readonly<Record<ChangeKind, AdministrationStrength>> = {
  policy: 'best',
  role: 'best',
  person: 'session',
  token: 'session',
};

/** What the first rule under `administration:` that matches says; without one, no other owner is asked. */
export function askForChange({ administration = [] }: Policy, kind: ChangeKind): AdministrationAsk {
  const rule = administration.find(({ when }) => when.change?.includes(kind) ?? true);
  return {
    rule: rule?.name ?? 'no-rule',
    others: rule?.ask.others ?? 0,
    strength: rule?.ask.strength ?? strengthUnlessSaid[kind],
  };
}

/** Whether two say the same. */
export function sameAsk(a: AdministrationAsk, b: AdministrationAsk): boolean {
  return a.rule === b.rule && a.others === b.others && a.strength === b.strength;
}
