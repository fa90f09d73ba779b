/** Holds a playbook against its cases: what it becomes with these parameters, without any server. */
import { Fault } from '@countersign/protocol';
import { describe } from './describe.ts';
import type { Case } from './parse-cases.ts';
import type { Playbook } from './playbook.ts';
import { parseParameters, renderDiagnostics, renderPlan } from './render-plan.ts';

export interface CaseOutcome {
  readonly when: string;
  /** Why it does not hold, one sentence each; none when it does. */
  readonly problems: readonly string[];
}

const nobody = { id: 'srv_000000000000', name: 'nobody' };

/** Every case with what is wrong about it. */
export function tryCases(playbook: Playbook, cases: readonly Case[]): CaseOutcome[] {
  return cases.map((each) => ({ when: each.when, problems: problemsOf(playbook, each) }));
}

function problemsOf(playbook: Playbook, wanted: Case): string[] {
  try {
    const found = become(playbook, wanted.parameters);
    if (wanted.refused !== undefined) return [`it is not refused; wanted were the words: ${wanted.refused}`];
    return (['title', 'risk', 'steps', 'undo', 'diagnostics'] as const)
      .filter((name) => wanted[name] !== undefined && String(wanted[name]) !== String(found[name]))
      .map((name) => `${name} is ${show(found[name])}, not ${show(wanted[name])}`);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (wanted.refused === undefined) return [`it is refused: ${error.message}`];
    return error.message.includes(wanted.refused) ? [] : [`it is refused with other words: ${error.message}`];
  }
}

function become(playbook: Playbook, parameters: Case['parameters']) {
  const title = describe(playbook, parseParameters(playbook, parameters));
  if (playbook.effect === 'observe') {
    const readings = renderDiagnostics(playbook, parameters).map(({ diagnostic }) => diagnostic);
    return { title, risk: playbook.risk, steps: [], undo: [], diagnostics: readings };
  }
  const plan = renderPlan(playbook, { server: nobody, parameters });
  const names = (steps: readonly { readonly capability: string }[]) => steps.map(({ capability }) => capability);
  return { title, risk: plan.risk, steps: names(plan.steps), undo: names(plan.undo), diagnostics: [] };
}

const show = (value: unknown) => (Array.isArray(value) ? value.join(', ') || 'nothing' : String(value));
