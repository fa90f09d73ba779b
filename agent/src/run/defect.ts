/** A defect of ours in the middle of an action: nobody may think that it is known how it went. */
import { Fault } from '@countersign/protocol';
import type { Run } from './run.ts';
import type { Ending } from './run-plan.ts';
import { NOT_NEEDED, undoPlan } from './undo-plan.ts';
import { wireFault } from './wire-fault.ts';

/** The ending after an error that was not foreseen. What a human had to confirm is taken back first. Never rejects. */
export async function endAfterDefect(run: Run, error: unknown): Promise<Ending> {
  const { ports, journal, actionId } = run;
  const fault = wireFault(error, ports);
  const record = journal.find(actionId);
  if (!record?.started) return { refused: new Fault('internal', fault.slots) };
  const mustReturn = run.confirmation !== null && run.confirmation.stage !== 'confirmed';
  const undoBegun = record.steps.some(({ phase }) => phase === 'undo');
  const undo = mustReturn && !undoBegun ? await tryToUndo(run) : NOT_NEEDED;
  return {
    result: {
      outcome: 'unknown',
      summary: `It is not known how it ended: a defect (reference ${fault.slots.reference}) ended it.`,
      steps: record.steps.flatMap(({ phase, outcome }) => (phase === 'run' && outcome ? [outcome] : [])),
      check: null,
      undo,
      startedAt: record.started.at,
      finishedAt: ports.clock.now(),
      journalHead: journal.head,
    },
  };
}

async function tryToUndo(run: Run) {
  try {
    return await undoPlan(run);
  } catch (error) {
    run.ports.log.error('undo.failed', { actionId: run.actionId, error });
    return { state: 'failed' as const, steps: [] };
  }
}
