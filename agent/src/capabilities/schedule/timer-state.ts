import type { ParametersOf } from '@countersign/protocol';
import type { ObserveContext, Observer } from '../capability.ts';
import { readUnitState, type UnitState } from '../units/unit-state.ts';
import { type Job, readJobs, readTimers } from './timers.ts';

export interface TimerState {
  readonly unit: UnitState;
  readonly job: Job | null;
}

export const timerState: Observer<'timer.state'> = async ({ unit, verb }, context) => {
  const state = await readTimer(context, unit);
  return {
    exists: state.unit.exists,
    active: state.unit.activeState === 'active',
    job: state.job?.name ?? '',
    job_state: state.job?.state ?? 'unknown',
    job_result: state.job?.result ?? 'unknown',
    as_told: isAsTold(state, verb),
  };
};

/** A timer and the unit that it starts. Rejects with `capability_failed` where systemd does not answer. */
export async function readTimer(context: ObserveContext, unit: string): Promise<TimerState> {
  const state = await readUnitState(context, unit);
  if (!state.exists) return { unit: state, job: null };
  const listed = (await readTimers(context)).find(({ name }) => name === state.name)?.job;
  const name = listed ?? state.name.replace(/\.timer$/, '.service');
  return { unit: state, job: (await readJobs(context, [name])).get(name) ?? null };
}

function isAsTold({ unit, job }: TimerState, verb: ParametersOf<'timer.tell'>['verb']): boolean {
  if (verb === 'run') return job?.result === 'success' && job.state !== 'failed';
  return (unit.activeState === 'active') === (verb === 'resume');
}
