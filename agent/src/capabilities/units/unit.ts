/** Changes to units. Each is one or two calls of `systemctl`, shown word for word before anybody is asked. */
import { capability, fault, type StepResult, type WitnessFact } from '@countersign/protocol';
import { z } from 'zod';
import { unitProperties } from '../../host/unit.ts';
import type { ChangeContext, ChangePreview, Changer, Changers, ObserveContext } from '../capability.ts';
import { printJournal, readJournal } from '../logs/journal.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { readUnitState, type UnitState } from './unit-state.ts';

type UnitChange = `unit.${'restart' | 'reload' | 'reload_or_restart' | 'start' | 'stop' | 'reset_failed'}`;
type Verb = 'restart' | 'reload' | 'reload-or-restart' | 'start' | 'stop' | 'reset-failed';

interface Rules {
  readonly verb: Verb;
  /** What will happen, one sentence. */
  effect(state: UnitState): string;
  /** Why it cannot be done now. */
  obstacle?(state: UnitState): string | undefined;
  /** The verb that takes it back, when it changed anything. */
  readonly inverse?: 'start' | 'stop';
  readonly undoWords?: string;
}

/** What a unit was before, as a step remembers it. */
export const unitMemorySchema = z.object({
  unit: z.string(),
  state: z.enum(['active', 'failed', 'not running']),
  main_pid: z.int(),
  /** How many processes the step starts. */
  processes: z.int(),
});
type UnitMemory = z.infer<typeof unitMemorySchema>;

const JOURNAL_LINES = 30;

/** Three words are enough to tell drift. A unit that systemd restarts over and over is not running, whatever moment it is met in. */
export function plainState({ activeState }: Pick<UnitState, 'activeState'>): UnitMemory['state'] {
  if (activeState === 'active' || activeState === 'reloading') return 'active';
  return activeState === 'failed' ? 'failed' : 'not running';
}

/** Exactly what is started. A failed unit may have used up its starts, so that is cleared first. */
export function argvOf(verb: Verb, state: UnitState): string[][] {
  const call = (word: Verb) => ['systemctl', word, '--', state.name];
  const starts = verb === 'restart' || verb === 'reload-or-restart' || verb === 'start';
  return starts && plainState(state) === 'failed' ? [call('reset-failed'), call(verb)] : [call(verb)];
}

function unitChanger<C extends UnitChange>(id: C, rules: Rules): Changer<C> {
  const timeoutMs = capability(id).timeoutMs;
  const changer: Changer<UnitChange> = {
    predictable: true,
    undoAgain: true,
    async preview({ unit }, context) {
      const state = await existing(context, unit);
      const obstacle = rules.obstacle?.(state);
      if (obstacle !== undefined) throw fault('precondition_failed', { reason: obstacle });
      return previewOf(state, rules, await othersConcerned(context, rules.verb, unit));
    },
    async remember({ unit }, context) {
      const state = await existing(context, unit);
      return {
        unit: state.name,
        state: plainState(state),
        main_pid: state.mainPid,
        processes: argvOf(rules.verb, state).length,
      };
    },
    async perform({ unit }, memory, context) {
      const before = await existing(context, unit);
      // As it was remembered, so that a recovery looks for as many calls as there were.
      const { processes } = unitMemorySchema.parse(memory);
      return run(context, before, argvOf(rules.verb, before).slice(-processes), timeoutMs);
    },
    async recover({ unit }, memory, context) {
      return recoverUnit(context, unit, unitMemorySchema.parse(memory));
    },
  };
  if (rules.inverse !== undefined) {
    const inverse = rules.inverse;
    changer.undo = async ({ unit }, memory, context) =>
      takeBack(context, unit, unitMemorySchema.parse(memory), inverse, timeoutMs);
  }
  return changer as Changer<C>;
}

function previewOf(state: UnitState, rules: Rules, others: readonly string[]): ChangePreview {
  const effects = [rules.effect(state), ...others];
  return {
    preview: {
      argv: argvOf(rules.verb, state),
      diff: null,
      effects: effects.map((effect) => effect.slice(0, 500)),
      undo: rules.undoWords ?? null,
    },
    witness: unitWitness(state),
  };
}

/** Facts that tell whether a unit is still what it was. */
export function unitWitness(state: UnitState): WitnessFact[] {
  const subject = `unit ${state.name}`;
  const plain = plainState(state);
  return [
    { subject, property: 'state', value: plain },
    ...(plain === 'active' ? [{ subject, property: 'main_pid', value: state.mainPid }] : []),
  ];
}

/** The state of a unit that has to be there. Rejects with `precondition_failed` when it is not. */
export async function existing(context: ObserveContext, unit: string): Promise<UnitState> {
  const state = await readUnitState(context, unit);
  if (!state.exists) throw fault('precondition_failed', { reason: `there is no unit ${unit} on the server` });
  return state;
}

/**
 * Which other units it concerns, in sentences: those that stop or restart with this one, and those that start it again.
 * Source: systemd.unit(5), reverse of Requires=, BindsTo= and PartOf=, and Triggers=.
 */
async function othersConcerned(context: ObserveContext, verb: Verb, unit: string): Promise<string[]> {
  if (verb !== 'stop' && verb !== 'restart') return [];
  const found = await unitProperties(context.exec, unit, ['RequiredBy', 'BoundBy', 'ConsistsOf', 'TriggeredBy']);
  const namesIn = (...lists: (string | undefined)[]) =>
    [...new Set(lists.flatMap((list) => (list ?? '').split(' ')))].filter((name) => name !== '').slice(0, 10);
  const dependent = namesIn(found.RequiredBy, found.BoundBy, found.ConsistsOf).filter((it) => !it.endsWith('.target'));
  const triggers = verb === 'stop' ? namesIn(found.TriggeredBy) : [];
  return [
    ...(dependent.length === 0 ? [] : [`Units that depend on it are affected as well: ${dependent.join(', ')}.`]),
    ...(triggers.length === 0 ? [] : [`It may be started again by ${triggers.join(', ')}.`]),
  ];
}

/** Starts the calls one after the other, ends at the first that fails, and says what the unit is now. */
export async function run(
  context: ChangeContext,
  before: UnitState,
  calls: readonly (readonly string[])[],
  timeoutMs: number,
): Promise<StepResult> {
  const made = await runCalls(context, calls, { timeoutMs });
  const after = await readUnitState(context, before.name);
  const result = resultOfCalls(made, true, sayNow(after));
  if (result.exit_code !== 0 || plainState(after) === 'failed') await showJournal(context, before.name);
  const differs = after.mainPid !== before.mainPid || plainState(after) !== plainState(before);
  return { ...result, changed: result.exit_code === 0 || differs };
}

async function recoverUnit(context: ChangeContext, unit: string, memory: UnitMemory): Promise<StepResult | null> {
  const ended = await recoverCalls(context, memory.processes);
  if (ended === null) return null;
  const after = await readUnitState(context, unit);
  const changed = ended.exitCode === 0 || after.mainPid !== memory.main_pid || plainState(after) !== memory.state;
  return { ...recoveredResult(ended, sayNow(after)), changed };
}

async function takeBack(
  context: ChangeContext,
  unit: string,
  memory: UnitMemory,
  inverse: 'start' | 'stop',
  timeoutMs: number,
): Promise<StepResult> {
  const now = await existing(context, unit);
  const wasActive = memory.state === 'active';
  const isActive = plainState(now) === 'active';
  // A start of what ran did nothing, nor did a stop of what did not: whatever became of it since is not ours to take back.
  const didNothing = wasActive === (inverse === 'stop');
  // What systemd is about to start again is not running at this moment, and is not stopped either.
  const isBack = wasActive ? isActive : /^(inactive|failed)$/.test(now.activeState);
  if (didNothing || isBack)
    return { changed: false, exit_code: 0, summary: `Nothing to do: it was ${memory.state} before; ${sayNow(now)}` };
  return run(context, now, argvOf(inverse, now), timeoutMs);
}

/** The unit's last lines, for whoever watches a step that failed. */
async function showJournal(context: ChangeContext, unit: string): Promise<void> {
  const answer = await readJournal(context, { unit, lines: JOURNAL_LINES });
  if (answer.lines.length > 0) context.onOutput(`\nLast lines of ${unit}:\n${printJournal(answer.lines)}\n`);
}

function sayNow({ name, activeState, subState, mainPid }: UnitState): string {
  return `${name} is ${activeState} (${subState})${mainPid > 0 ? `, main process ${mainPid}` : ''}.`;
}

const running = (state: UnitState) => plainState(state) === 'active';

export const unitChangers = {
  'unit.restart': unitChanger('unit.restart', {
    verb: 'restart',
    effect: (state) =>
      running(state)
        ? `${state.name} is stopped (main process ${state.mainPid}) and started again; what it has open is cut off.`
        : `${state.name} does not run (${state.activeState}) and is started.`,
  }),
  'unit.reload': unitChanger('unit.reload', {
    verb: 'reload',
    effect: (state) => `${state.name} reads its configuration again and keeps running.`,
    obstacle: (state) =>
      !running(state)
        ? `${state.name} does not run, so it cannot be reloaded`
        : state.canReload
          ? undefined
          : `${state.name} cannot be reloaded, only restarted`,
  }),
  'unit.reload_or_restart': unitChanger('unit.reload_or_restart', {
    verb: 'reload-or-restart',
    effect: (state) =>
      !running(state)
        ? `${state.name} does not run (${state.activeState}) and is started.`
        : state.canReload
          ? `${state.name} reads its configuration again and keeps running.`
          : `${state.name} cannot be reloaded, so it is stopped and started again.`,
  }),
  'unit.start': unitChanger('unit.start', {
    verb: 'start',
    effect: (state) => (running(state) ? `${state.name} runs already; nothing changes.` : `${state.name} is started.`),
    inverse: 'stop',
    undoWords: 'The unit is stopped again, when it did not run before.',
  }),
  'unit.stop': unitChanger('unit.stop', {
    verb: 'stop',
    effect: (state) =>
      running(state)
        ? `${state.name} is stopped and stays down.`
        : state.activeState === 'activating'
          ? `${state.name}, which is being started (${state.subState}), is stopped and stays down.`
          : `${state.name} does not run; nothing changes.`,
    inverse: 'start',
    undoWords: 'The unit is started again, when it ran before.',
  }),
  'unit.reset_failed': unitChanger('unit.reset_failed', {
    verb: 'reset-failed',
    effect: (state) => `The failed state (${state.result}) and the count of starts of ${state.name} are cleared.`,
  }),
} satisfies Partial<Changers>;
