/** What playbooks there are, and whether they fit a server. */
import { fits, type PlacedProblem, type Playbook, playbookView, type ServerAbilities } from '@countersign/playbooks';
import type { playbookOperations as playbookWriting } from '@countersign/protocol/operator-api/index';
import type { ActionDeps } from '../actions/action-deps.ts';
import { playbookNamed } from '../actions/draft-plan.ts';
import { playbooksOn } from '../actions/playbooks-on.ts';
import { previewPlaybook } from '../actions/preview-playbook.ts';
import { knownAbilities } from '../diagnostics/known-abilities.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import { listVersions } from '../playbooks/list-versions.ts';
import type { Handlers } from './handler.ts';

export interface PlaybookOperationsDeps
  extends Pick<ActionDeps, 'db' | 'clock' | 'fleet' | 'playbooks' | 'policy' | 'limits'> {
  readonly playbookFolders: readonly string[];
  readonly playbookProblems: () => readonly PlacedProblem[];
}

type Playbooks = 'listPlaybooks' | 'getPlaybook' | keyof typeof playbookWriting;

export function playbookOperations(deps: PlaybookOperationsDeps): Pick<Handlers, Playbooks> {
  const abilitiesAt = async (ref: string | undefined) =>
    ref === undefined ? undefined : knownAbilities(deps, await resolveServerUnderCare(deps.db, ref));
  const here = (abilities: ServerAbilities | undefined) =>
    abilities === undefined ? deps.playbooks : playbooksOn(deps.playbooks, abilities);
  return {
    listPlaybooks: async (_caller, input) => {
      const abilities = await abilitiesAt(input.server);
      const all = [...here(abilities).values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      return { playbooks: all.map((playbook) => ({ ...playbookView(playbook), ...fitOf(playbook, abilities) })) };
    },
    getPlaybook: async (_caller, input) => {
      const abilities = await abilitiesAt(input.server);
      const playbook = playbookNamed(here(abilities), input.playbook);
      const fit = fitOf(playbook, abilities);
      return { ...playbookView(playbook), ...fit, yaml: playbook.yaml, sha256: playbook.sha256 };
    },
    listPlaybookVersions: async (_caller, { playbook, limit }) => ({
      versions: await listVersions(deps.db, playbook, limit),
    }),
    listPlaybookProblems: async () => ({
      folders: [...deps.playbookFolders],
      problems: deps.playbookProblems().map((problem) => ({ ...problem })),
    }),
    previewPlaybook: (caller, input, { signal }) => previewPlaybook(deps, caller, input, signal),
  };
}

function fitOf(playbook: Playbook, abilities: ServerAbilities | undefined) {
  if (!abilities) return {};
  const { fits: fit, reason } = fits(playbook, abilities);
  return fit ? { fits: true } : { fits: false, does_not_fit_because: reason ?? 'it does not fit' };
}
