import { capability, fault, type ParametersOf, type StepResult } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import type { ChangeContext, Changer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { sayBytes } from '../report.ts';
import { readTable, tableName } from './pg-session.ts';
import { PSQL_ENVIRONMENT, psqlArgv } from './psql.ts';

/** It gives way to whoever holds a lock, and ends before the step would be ended by force. */
const LIMITS = ["SET lock_timeout = '5s'", "SET statement_timeout = '14min'"];

/** A plain VACUUM with ANALYZE of one table. It locks nobody out, and what it did is done. */
export const pgVacuum: Changer<'pg.vacuum'> = {
  predictable: true,
  async preview(parameters, context) {
    const name = tableName(parameters);
    const found = await readTable(context, parameters);
    if (found === null)
      throw fault('precondition_failed', { reason: `there is no table ${name} in ${parameters.dbname}` });
    if (found.vacuum_runs) throw fault('precondition_failed', { reason: `${name} is being vacuumed already` });
    return {
      preview: {
        argv: [argvOf(parameters)],
        diff: null,
        effects: [
          `${name} takes about ${sayBytes(found.bytes)} with ${found.live_rows} live and ${found.dead_rows} dead rows. Its dead rows are freed for new ones, and its statistics are taken anew.`,
          'Reading and writing go on; the disk has more to do meanwhile. The file does not shrink (that would be FULL).',
          'It gives up when it cannot have its lock within 5 seconds, and after 14 minutes.',
        ],
        undo: null,
      },
      witness: [{ subject: `postgres table ${parameters.dbname}.${name}`, property: 'oid', value: found.oid }],
    };
  },
  async perform(parameters, _, context) {
    const done = await context.processes.start({
      argv: argvOf(parameters),
      env: PSQL_ENVIRONMENT,
      timeoutMs: capability('pg.vacuum').timeoutMs,
      signal: context.signal,
      onOutput: context.onOutput,
    });
    return resultOf(parameters, done, context);
  },
  async recover(parameters, _, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : resultOf(parameters, done, context);
  },
};

function argvOf(parameters: ParametersOf<'pg.vacuum'>): string[] {
  return psqlArgv(parameters, [...LIMITS, `VACUUM (ANALYZE) ${tableName(parameters)}`]);
}

async function resultOf(
  parameters: ParametersOf<'pg.vacuum'>,
  done: Executed,
  context: ChangeContext,
): Promise<StepResult> {
  if (done.exitCode !== 0) return { changed: false, exit_code: exitCodeOf(done), summary: `psql ${howItEnded(done)}.` };
  const after = await readTable(context, parameters);
  return { changed: true, exit_code: 0, summary: `Done; ${after?.dead_rows ?? 0} dead rows are left.` };
}
