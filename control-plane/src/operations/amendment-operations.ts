/** Changes of policy and roles, amendments that wait for other owners, and what the rules would say of a request. */

import { personById } from '../access/person.store.ts';
import { amendmentById, closedAmendments, openAmendments } from '../amendments/amendment.store.ts';
import { amendmentView } from '../amendments/amendment-view.ts';
import { collectAmendment } from '../amendments/collect-amendment.ts';
import { decideAmendment } from '../amendments/decide-amendment.ts';
import type { AmendmentDeps } from '../amendments/make-amendment.ts';
import { proposeAmendment } from '../amendments/propose-amendment.ts';
import { resolveServer } from '../fleet/resolve-server.ts';
import { evaluate } from '../policy/evaluate.ts';
import { mustBePolicy } from '../policy/policy-book.ts';
import type { Handlers } from './handler.ts';

type AmendmentHandlers = Pick<
  Handlers,
  'changeRole' | 'setPolicy' | 'testPolicy' | 'listAmendments' | 'decideAmendment' | 'collectAmendment'
>;

export type AmendmentOperationsDeps = AmendmentDeps;

const CLOSED_SHOWN = 50;

export function amendmentOperations(deps: AmendmentOperationsDeps): AmendmentHandlers {
  const { db } = deps;
  const view = async (id: string) => {
    const row = await amendmentById(db, id);
    if (row === undefined) throw new Error(`amendment ${id} is gone`);
    return { amendment: await amendmentView(db, row) };
  };
  return {
    changeRole: async (caller, { proof, ...change }) =>
      view((await proposeAmendment(deps, caller, { does: 'change_role', ...change }, proof)).id),
    setPolicy: async (caller, { proof, ...change }) =>
      view((await proposeAmendment(deps, caller, { does: 'set_policy', ...change }, proof)).id),
    testPolicy: async (caller, { yaml, server, playbook, token, ...asked }) => {
      const policy = yaml === undefined ? (await deps.policy.current()).policy : mustBePolicy(yaml);
      const { name, labels_json } = await resolveServer(db, server);
      const { verdict, rule, why } = evaluate(policy, {
        server: { name, labels: JSON.parse(labels_json) as Record<string, string> },
        playbook: playbook ?? null,
        capabilities: asked.capabilities,
        readingCommand: asked.capabilities.length > 0 && asked.capabilities.every((id) => id === 'command.read'),
        programs: [],
        risk: asked.risk,
        person: { email: (await personById(db, caller.person.id))?.email ?? '' },
        token: token === undefined ? null : { name: token },
        client: asked.client ?? null,
        at: deps.clock.now(),
      });
      return { verdict, rule, why };
    },
    listAmendments: async () => {
      const now = deps.clock.now();
      const open = (await openAmendments(db)).filter(({ expires_at }) => expires_at > now);
      const rows = [...open, ...(await closedAmendments(db, CLOSED_SHOWN))];
      return { amendments: await Promise.all(rows.map((row) => amendmentView(db, row))) };
    },
    decideAmendment: async (caller, input) => {
      await decideAmendment(deps, caller, input);
      return view(input.amendment);
    },
    collectAmendment: async (caller, { amendment }) => {
      const made = await collectAmendment(deps, caller, amendment);
      return {
        ...(await view(amendment)),
        secret: made.kind === 'token' ? made.secret : null,
        link: made.kind === 'invitation' ? `${deps.place.publicUrl}/invite#${made.secret}` : null,
      };
    },
  };
}
