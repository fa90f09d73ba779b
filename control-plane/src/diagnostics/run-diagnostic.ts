/** Runs diagnostics for a caller: by id, or by what a description calls for. Reading needs no approval; it is written down. */
import { type Fault, fault, type Json, severities } from '@countersign/protocol';
import type { Diagnosis, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Caller, Core } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { type Chosen, chooseByDescription, chooseNamed } from './choose-readings.ts';
import type { Cooldown } from './cooldown.ts';
import { type DiagnoseDeps, diagnose } from './diagnose.ts';

export type RunDiagnosticDeps = DiagnoseDeps & { readonly cooldown: Cooldown };
export type Asked = ParsedInputOf<'runDiagnostic'>;

/**
 * Rejects with `server_not_found`, `server_revoked`, `invalid_input` naming the parameter, `diagnostic_cooldown` for a second
 * broad diagnosis within 30 s, and what {@link diagnose} rejects with.
 */
export async function runDiagnostic(
  deps: RunDiagnosticDeps,
  caller: Caller,
  asked: Asked,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const server = await resolveServerUnderCare(deps.db, asked.server);
  const chosen = choose(deps, server, asked);
  const broad = asked.description !== undefined;
  const seconds = broad ? deps.cooldown.begin(server.id) : 0;
  if (seconds > 0) throw fault('diagnostic_cooldown', { server: server.name, seconds });
  const from = deps.clock.monotonic();
  try {
    const diagnosis = await diagnose(deps, server, chosen.readings, { because: chosen.because, signal });
    await note(deps, caller, { server, asked, chosen, diagnosis, ms: Math.round(deps.clock.monotonic() - from) });
    return diagnosis;
  } catch (error) {
    if ((error as Partial<Fault>).code === 'server_offline') deps.cooldown.end(server.id);
    throw error;
  }
}

function choose({ clock }: Pick<Core, 'clock'>, server: ServerRow, asked: Asked): Chosen {
  if (asked.diagnostics !== undefined) return chooseNamed(asked.diagnostics, asked.parameters);
  const capabilities = JSON.parse(server.capabilities_json) as string[];
  // Its own name in a description says nothing of what is wrong with it.
  const description = (asked.description ?? '').replaceAll(server.name, ' ');
  const chosen = chooseByDescription(description, { parameters: asked.parameters, capabilities, now: clock.now() });
  if (chosen.readings.length > 0) return chosen;
  // No agent has told its capabilities yet, or it has none: asking for the overview tells which.
  return chooseNamed(['overview']);
}

interface Ran {
  readonly server: ServerRow;
  readonly asked: Asked;
  readonly chosen: Chosen;
  readonly diagnosis: Diagnosis;
  readonly ms: number;
}

async function note({ db, clock }: Pick<Core, 'db' | 'clock'>, caller: Caller, ran: Ran): Promise<void> {
  const { server, asked, chosen, diagnosis, ms } = ran;
  const at = clock.now();
  const ids = chosen.readings.map(({ diagnostic }) => diagnostic);
  await write(db, async (trx) => {
    await appendEntry(trx, {
      event: 'diagnostic.ran',
      at,
      who: whoOf(caller),
      serverId: server.id,
      details: {
        diagnostics: ids,
        chosen_because: chosen.because,
        findings: diagnosis.findings.length,
        worst: diagnosis.findings[0]?.severity ?? null,
        redactions: diagnosis.redactions,
        ms,
        description: asked.description,
        parameters: asked.parameters as Json | undefined,
      },
    });
    const title = `Diagnosed ${server.name} (${ids.join(', ')}): ${counted(diagnosis)}`;
    await addToTimeline(trx, { at, kind: 'diagnostic', title, serverId: server.id, by: caller.person.name });
  });
}

/** `2 critical, 3 warnings`. */
function counted({ findings }: Diagnosis): string {
  const counts = severities
    .filter((severity) => severity === 'critical' || severity === 'warning')
    .map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0);
  return counts.length === 0
    ? 'nothing wrong'
    : counts
        .map(({ severity, count }) => `${count} ${severity}${severity === 'warning' && count > 1 ? 's' : ''}`)
        .join(', ');
}
