/** What the journal says of an action, as a report to the control plane. */
import type { ActionRecord, ReportKind } from './journal-index.ts';
import type { Report } from './runner-wire.ts';

/** One report of an action; `null` when there is nothing of that kind to tell. */
export function reportOf(record: ActionRecord, kind: ReportKind): Report | null {
  const { actionId, started, refused, result } = record;
  if (kind === 'started') return started === null ? null : { kind, actionId, at: started.at };
  if (kind === 'refused') return refused === null ? null : { kind, actionId, ...refused };
  return result === null ? null : { kind, actionId, result };
}
