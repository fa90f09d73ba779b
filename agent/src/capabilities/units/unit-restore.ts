import { capability, fault } from '@countersign/protocol';
import type { ChangeContext, Changer } from '../capability.ts';
import { argvOf, plainState, run, unitMemorySchema } from './unit.ts';
import { readUnitState } from './unit-state.ts';

/**
 * Undo of a change that a unit was told of: one that ran before reads what is there now, one that did not is stopped. Nothing
 * happens when no step of the action had touched the unit.
 */
export const unitRestore: Changer<'unit.restore'> = {
  predictable: true,
  async preview() {
    throw fault('precondition_failed', {
      reason: 'unit.restore only takes back what an earlier step of the same action did',
    });
  },
  async remember({ unit }, context) {
    const was = remembered(unit, context);
    return { unit, was: was?.state ?? null };
  },
  async perform({ unit }, _, context) {
    const was = remembered(unit, context);
    if (was === null) return { changed: false, exit_code: 0, summary: `No step of this action had touched ${unit}.` };
    const now = await readUnitState(context, unit);
    const timeoutMs = capability('unit.restore').timeoutMs;
    if (was.state === 'active') return run(context, now, argvOf('reload-or-restart', now), timeoutMs);
    if (plainState(now) !== 'active' && now.activeState !== 'activating')
      return { changed: false, exit_code: 0, summary: `${unit} did not run before and does not run now.` };
    const stopped = await run(context, now, argvOf('stop', now), timeoutMs);
    return { ...stopped, summary: `It did not run before. ${stopped.summary}` };
  },
  async recover(_, __, context) {
    const ended =
      (await context.processes.ended(2, context.onOutput)) ?? (await context.processes.ended(1, context.onOutput));
    if (ended === null || ended.exitCode === null) return null;
    return {
      changed: true,
      exit_code: ended.exitCode,
      summary: `Found after a restart of the runner: systemctl ended with exit code ${ended.exitCode}.`,
    };
  },
};

function remembered(unit: string, context: ChangeContext) {
  for (const step of context.earlier) {
    if (!step.capability.startsWith('unit.')) continue;
    const memory = unitMemorySchema.safeParse(step.memory);
    if (memory.success && (memory.data.unit === unit || step.parameters.unit === unit)) return memory.data;
  }
  return null;
}
