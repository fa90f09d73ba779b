/** What a playbook would do on a server, for who writes or reviews it. No action is made and nobody is asked. */
import {
  explain,
  formatProblem,
  type Playbook,
  parseParameters,
  parsePlaybook,
  renderPlan,
} from '@countersign/playbooks';
import { fault, type Json } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import { evaluate } from '../policy/evaluate.ts';
import { underLock } from '../policy/under-lock.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { ActionDeps } from './action-deps.ts';
import { playbookNamed } from './draft-plan.ts';
import { playbooksOn } from './playbooks-on.ts';
import { policyFacts } from './policy-facts.ts';
import { isReversible } from './reversible.ts';
import { abilitiesOf, refuseForbidden, refuseUnfit, refuseUnreachable } from './server-allows.ts';
import { lockOf } from './server-lock.ts';

interface Asked {
  readonly server: string;
  readonly playbook?: string | undefined;
  readonly yaml?: string | undefined;
  readonly parameters: Readonly<Record<string, Json>>;
}

/**
 * Asks the server for a preview. Rejects with `playbook_invalid` naming every problem of a text, `playbook_not_found`,
 * `playbook_does_not_fit`, `invalid_input`, `server_offline`, what the server's own policy refuses, and what a step says that
 * cannot be previewed.
 */
export async function previewPlaybook(
  deps: Pick<ActionDeps, 'db' | 'clock' | 'fleet' | 'playbooks' | 'policy' | 'limits'>,
  caller: Caller,
  asked: Asked,
  signal: AbortSignal,
): Promise<OutputOf<'previewPlaybook'>> {
  const { db, clock, fleet, limits } = deps;
  const server = await resolveServerUnderCare(db, asked.server);
  const abilities = abilitiesOf(server);
  const playbook = playbookOf(playbooksOn(deps.playbooks, abilities), asked);
  refuseUnfit(playbook, server, abilities);
  const draft = renderPlan(playbook, { server: { id: server.id, name: server.name }, parameters: asked.parameters });
  refuseForbidden(draft, server, abilities);
  refuseUnreachable(server, fleet.isOnline(server.id), limits.clockOffsetMostMs);
  const preview = await fleet.preview(server.id, draft, signal);
  const by = { personId: caller.person.id, tokenId: null, client: null };
  const facts = await policyFacts(db, by, server, draft, clock.now());
  const verdict = underLock(evaluate((await deps.policy.current()).policy, facts), lockOf(server), draft.risk);
  await write(db, (trx) =>
    appendEntry(trx, {
      event: 'playbook.previewed',
      at: clock.now(),
      who: whoOf(caller),
      serverId: server.id,
      details: {
        ...{ playbook: playbook.id, sha256: playbook.sha256, verdict: verdict.verdict },
        parameters: asked.parameters,
      },
    }),
  );
  return {
    ...{ title: draft.title, risk: draft.risk, reversible: isReversible(draft, preview) },
    sentences: explain(playbook, parseParameters(playbook, asked.parameters)),
    ...{ steps: preview.steps, predictable: preview.predictable },
    verdict: { verdict: verdict.verdict, rule: verdict.rule, why: verdict.why },
  };
}

function playbookOf(playbooks: ReadonlyMap<string, Playbook>, { playbook, yaml }: Asked): Playbook {
  if (yaml === undefined) return playbookNamed(playbooks, playbook ?? '');
  const parsed = parsePlaybook(yaml, { file: 'playbook' });
  if (parsed.problems) throw fault('playbook_invalid', { problems: parsed.problems.map(formatProblem).join('; ') });
  return parsed.playbook;
}
