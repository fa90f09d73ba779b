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

/** Tokens cannot decide; who works here, roles and rules are what keeps everybody honest. */
const strengthUnlessSaid: Readonly<Record<ChangeKind, AdministrationStrength>> = {
  policy: 'best',
  role: 'best',
  person: 'best',
  token: 'session',
};

/** Weakest first. `best` may be a password, for who has nothing stronger. */
const strengths: readonly AdministrationStrength[] = ['session', 'best', 'code', 'passkey'];

/**
 * What the rules ask for before a change. Who makes an owner makes somebody who can agree to other rules, so it takes what a
 * change of the rules takes as well: else one owner alone could invite the second who has to agree (T25).
 */
export function askForChange(
  policy: Policy,
  kind: ChangeKind,
  { makesOwner = false }: { readonly makesOwner?: boolean } = {},
): AdministrationAsk {
  const ask = firstRule(policy, kind);
  if (!makesOwner) return ask;
  const rules = firstRule(policy, 'policy');
  const stronger = strengths.indexOf(rules.strength) > strengths.indexOf(ask.strength);
  return {
    rule: rules.others > ask.others ? rules.rule : ask.rule,
    others: Math.max(rules.others, ask.others),
    strength: stronger ? rules.strength : ask.strength,
  };
}

/** What the first rule under `administration:` that matches says; without one, no other owner is asked. */
function firstRule({ administration = [] }: Policy, kind: ChangeKind): AdministrationAsk {
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
