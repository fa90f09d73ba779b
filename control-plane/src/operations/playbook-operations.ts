/** What playbooks there are, and whether they fit a server. */
import { fits, type Playbook, playbookView } from '@countersign/playbooks';
import { playbookNamed } from '../actions/draft-plan.ts';
import { abilitiesOf } from '../actions/server-allows.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Core } from '../ports.ts';
import type { Handlers } from './handler.ts';

export interface PlaybookOperationsDeps extends Pick<Core, 'db'> {
  readonly playbooks: ReadonlyMap<string, Playbook>;
}

export function playbookOperations(deps: PlaybookOperationsDeps): Pick<Handlers, 'listPlaybooks' | 'getPlaybook'> {
  const serverOf = (ref: string | undefined) => (ref === undefined ? undefined : resolveServerUnderCare(deps.db, ref));
  return {
    listPlaybooks: async (_caller, input) => {
      const server = await serverOf(input.server);
      const all = [...deps.playbooks.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      return { playbooks: all.map((playbook) => ({ ...playbookView(playbook), ...fitOf(playbook, server) })) };
    },
    getPlaybook: async (_caller, input) => {
      const playbook = playbookNamed(deps.playbooks, input.playbook);
      const fit = fitOf(playbook, await serverOf(input.server));
      return { ...playbookView(playbook), ...fit, yaml: playbook.yaml, sha256: playbook.sha256 };
    },
  };
}

function fitOf(playbook: Playbook, server: ServerRow | undefined) {
  if (!server) return {};
  const { fits: fit, reason } = fits(playbook, abilitiesOf(server));
  return fit ? { fits: true } : { fits: false, does_not_fit_because: reason ?? 'it does not fit' };
}
