import type { Observer } from '../capability.ts';
import { printJournal, readJournal } from '../logs/journal.ts';
import { Report } from '../report.ts';
import { causesOf, resetAndStart } from './service.ts';
import { readFailedUnits, readUnitState, sayExit } from './unit-state.ts';

const LOOKED_AT = 12;
const LINES = 12;

/** Units that failed, each with its last lines. */
export const failedUnits: Observer<'failed_units'> = async (_, context) => {
  const report = new Report(context);
  const failed = await readFailedUnits(context);
  report.figure('failed_units', failed.length);
  if (failed.length > LOOKED_AT) report.cut();
  // At the same time: one after the other they could take longer than the whole diagnosis may.
  const looks = failed.slice(0, LOOKED_AT).map(async (unit) => ({
    unit,
    state: await readUnitState(context, unit),
    answer: await readJournal(context, { unit, lines: LINES }),
  }));
  for (const { unit, state, answer } of await Promise.all(looks)) {
    if (answer.blind !== null) report.blind(`Log lines of ${unit}`, answer.blind);
    report.add({
      kind: state.result === 'start-limit-hit' ? 'service.gave_up' : 'service.failed',
      severity: 'critical',
      title: `${unit} (${state.description}) has failed: ${state.result}, ${sayExit(state)}.`,
      since: state.changedAt ?? undefined,
      evidence: [[`journal of ${unit}`, printJournal(answer.lines)]],
      causes: causesOf(state),
      suggestions: unit.endsWith('.service') ? [resetAndStart(unit)] : [],
    });
  }
  if (failed.length === 0) report.add({ kind: 'units.calm', severity: 'ok', title: 'No unit has failed.' });
  return report.finish();
};
