/** Which suggestions of a finding can be run on this server as they stand. Pure. */
import {
  fits,
  isRequired,
  type Playbook,
  parseParameters,
  type ServerAbilities,
  sampleValue,
} from '@countersign/playbooks';
import { Fault, type Suggestion } from '@countersign/protocol';
import type { Found } from './things-of.ts';

/** A suggestion that nobody could run anywhere: a defect of the diagnostic that made it. */
export interface Defect {
  readonly kind: string;
  readonly playbook: string;
  readonly problem: string;
}

/**
 * The findings with the suggestions that can be run. One whose playbook does not exist or whose parameters it does not take is
 * taken out and told as a defect. One that lacks a value which nobody can know but a person, such as what a wrong setting was meant to
 * be, names it; one that does not fit this server carries the reason. Both stand behind the others.
 */
export function judgeSuggestions<F extends Pick<Found, 'kind' | 'suggestions'>>(
  findings: readonly F[],
  { playbooks, abilities }: { readonly playbooks: ReadonlyMap<string, Playbook>; readonly abilities: ServerAbilities },
): { readonly findings: F[]; readonly defects: Defect[] } {
  const defects: Defect[] = [];
  const judged = findings.map((finding) => {
    const kept = finding.suggestions.flatMap((suggestion): Found['suggestions'] => {
      const playbook = playbooks.get(suggestion.playbook);
      const missing = playbook === undefined ? [] : missingFrom(playbook, suggestion);
      const problem = playbook === undefined ? 'there is no such playbook' : problemOf(playbook, suggestion, missing);
      if (playbook === undefined || problem !== undefined) {
        defects.push({ kind: finding.kind, playbook: suggestion.playbook, problem: problem ?? '' });
        return [];
      }
      const { reason } = fits(playbook, abilities);
      const lacks = missing.length === 0 ? {} : { missing };
      return [{ ...suggestion, ...lacks, ...(reason === undefined ? {} : { unfit: reason }) }];
    });
    return { ...finding, suggestions: kept.toSorted((a, b) => hindrance(a) - hindrance(b)) };
  });
  return { findings: judged, defects };
}

/** 0: it can be run as it stands; 1: a value is missing; 2: not on this server. */
export function hindrance({ unfit, missing }: Found['suggestions'][number]): number {
  if (unfit !== undefined) return 2;
  return missing === undefined ? 0 : 1;
}

function missingFrom(playbook: Playbook, { parameters }: Suggestion): string[] {
  const needed = Object.entries(playbook.parameters).filter(([, parameter]) => isRequired(parameter));
  return needed.map(([name]) => name).filter((name) => !Object.hasOwn(parameters, name));
}

/** What is wrong about the values that are there. */
function problemOf(playbook: Playbook, { parameters }: Suggestion, missing: readonly string[]): string | undefined {
  const samples = missing.flatMap((name) => {
    const parameter = playbook.parameters[name];
    return parameter === undefined ? [] : [[name, sampleValue(parameter)]];
  });
  try {
    parseParameters(playbook, { ...Object.fromEntries(samples), ...parameters });
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}
