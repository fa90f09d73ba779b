/** Runs a playbook that only reads: at once, without an action. */

import { renderDiagnostics } from '@countersign/playbooks';
import { type DiagnosticId, fault, type Json } from '@countersign/protocol';
import type { Diagnosis } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { ActionDeps } from './action-deps.ts';
import { playbookNamed } from './draft-plan.ts';
import { abilitiesOf, refuseUnfit } from './server-allows.ts';

export interface Reading {
  readonly diagnostic: DiagnosticId;
  readonly parameters: Readonly<Record<string, Json>>;
}

export interface ObservePlaybookDeps extends Pick<ActionDeps, 'db' | 'clock' | 'playbooks'> {
  /** Runs diagnostics at once on one server and ranks what they find. */
  readonly diagnose: (
    server: { readonly id: string; readonly name: string },
    readings: readonly Reading[],
    options: { readonly because: string; readonly signal: AbortSignal },
  ) => Promise<Diagnosis>;
}

/**
 * What a reading playbook found; `null` for one that changes something. Rejects with `playbook_not_found`, `server_not_found`,
 * `playbook_does_not_fit`, `invalid_input`, and what the diagnosis rejects with.
 */
export async function observePlaybook(
  deps: ObservePlaybookDeps,
  caller: Caller,
  asked: {
    readonly server: string;
    readonly playbook: string;
    readonly parameters: Readonly<Record<string, Json>>;
    readonly signal: AbortSignal;
  },
): Promise<Diagnosis | null> {
  // A command of a server's owner is never one that only reads.
  if (asked.playbook.startsWith('local.')) return null;
  const playbook = playbookNamed(deps.playbooks, asked.playbook);
  if (playbook.effect !== 'observe') return null;
  const server = await resolveServerUnderCare(deps.db, asked.server);
  refuseUnfit(playbook, server, abilitiesOf(server));
  const readings = renderDiagnostics(playbook, asked.parameters) as Reading[];
  if (readings.length === 0)
    throw fault('invalid_input', { problems: 'parameters: with these there is nothing to read' });
  const diagnosis = await deps.diagnose({ id: server.id, name: server.name }, readings, {
    because: `Playbook ${playbook.id} reads them.`,
    signal: asked.signal,
  });
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'playbook.observed',
      at: deps.clock.now(),
      who: whoOf(caller),
      serverId: server.id,
      details: {
        playbook: playbook.id,
        findings: diagnosis.findings.length,
        worst: diagnosis.findings[0]?.severity ?? null,
        parameters: asked.parameters,
      },
    }),
  );
  return diagnosis;
}
