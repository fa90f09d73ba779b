/** Which suggestions of a finding can be run on this server as they stand. Pure. */
import { fits, type Playbook, parseParameters, type ServerAbilities } from '@countersign/playbooks';
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
 * taken out and told as a defect; one that does not fit this server stays, marked with the reason, behind the others.
 */
export function judgeSuggestions<F extends Pick<Found, 'kind' | 'suggestions'>>(
  findings: readonly F[],
  { playbooks, abilities }: { readonly playbooks: ReadonlyMap<string, Playbook>; readonly abilities: ServerAbilities },
): { readonly findings: F[]; readonly defects: Defect[] } {
  const defects: Defect[] = [];
  const judged = findings.map((finding) => {
    const kept = finding.suggestions.flatMap((suggestion): Found['suggestions'] => {
      const playbook = playbooks.get(suggestion.playbook);
      const problem = playbook === undefined ? 'there is no such playbook' : problemOf(playbook, suggestion);
      if (playbook === undefined || problem !== undefined) {
        defects.push({ kind: finding.kind, playbook: suggestion.playbook, problem: problem ?? '' });
        return [];
      }
      const { reason } = fits(playbook, abilities);
      return [reason === undefined ? suggestion : { ...suggestion, unfit: reason }];
    });
    return { ...finding, suggestions: kept.toSorted((a, b) => Number(isUnfit(a)) - Number(isUnfit(b))) };
  });
  return { findings: judged, defects };
}

const isUnfit = ({ unfit }: Found['suggestions'][number]) => unfit !== undefined;

function problemOf(playbook: Playbook, { parameters }: Suggestion): string | undefined {
  try {
    parseParameters(playbook, parameters);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}
