import { capability, fault, type StepResult } from '@countersign/protocol';
import { z } from 'zod';
import type { ChangeContext, Changer } from '../capability.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { existing, unitWitness } from './unit.ts';
import { readUnitState, type UnitState } from './unit-state.ts';

const memorySchema = z.object({ enabled: z.boolean() });

/** Whether a unit is started at boot. What runs now goes on, and what does not is not started. */
export const unitSetEnabled: Changer<'unit.set_enabled'> = {
  predictable: true,
  undoAgain: true,
  async preview({ unit, enabled }, context) {
    const state = await switchable(await existing(context, unit));
    const effect =
      isEnabled(state) === enabled
        ? `${state.name} is ${state.unitFileState} already; nothing changes.`
        : `${state.name} is ${enabled ? '' : 'not '}started at boot from then on. It ${state.activeState === 'active' ? 'goes on running' : 'is not started'} now.`;
    return {
      preview: {
        argv: [argvOf(state.name, enabled)],
        diff: null,
        effects: [effect],
        undo: `The unit is ${state.unitFileState} again.`,
      },
      witness: [
        ...unitWitness(state),
        { subject: `unit ${state.name}`, property: 'unit_file_state', value: state.unitFileState },
      ],
    };
  },
  async remember({ unit }, context) {
    return { enabled: isEnabled(await switchable(await existing(context, unit))) };
  },
  async perform({ unit, enabled }, _, context) {
    return set(context, (await existing(context, unit)).name, enabled);
  },
  async undo({ unit }, memory, context) {
    const was = memorySchema.parse(memory).enabled;
    const now = await existing(context, unit);
    if (isEnabled(now) === was)
      return { changed: false, exit_code: 0, summary: `${now.name} is as it was before: ${now.unitFileState}.` };
    return set(context, now.name, was);
  },
  async recover({ unit, enabled }, _, context) {
    const ended = await recoverCalls(context, 1);
    if (ended === null) return null;
    const state = await readUnitState(context, unit);
    return {
      ...recoveredResult(ended, `${state.name} is ${state.unitFileState}.`),
      changed: isEnabled(state) === enabled,
    };
  },
};

async function set(context: ChangeContext, unit: string, enabled: boolean): Promise<StepResult> {
  const argv = argvOf(unit, enabled);
  const { timeoutMs } = capability('unit.set_enabled');
  const before = await readUnitState(context, unit);
  const made = await runCalls(context, [argv], { timeoutMs });
  const after = await readUnitState(context, unit);
  return {
    ...resultOfCalls(made, true, `${after.name} is ${after.unitFileState}.`),
    changed: after.unitFileState !== before.unitFileState,
  };
}

/** Only where it can be switched back: others have no [Install] section, are generated, or were masked on purpose. */
async function switchable(state: UnitState): Promise<UnitState> {
  if (state.unitFileState === 'enabled' || state.unitFileState === 'disabled') return state;
  throw fault('precondition_failed', {
    reason: `${state.name} is ${state.unitFileState}, so it can be neither enabled nor disabled`,
  });
}

const isEnabled = (state: UnitState) => state.unitFileState === 'enabled';
const argvOf = (unit: string, enabled: boolean) => ['systemctl', enabled ? 'enable' : 'disable', '--', unit];
