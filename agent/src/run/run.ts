/** One action on its way: what every part of carrying it out needs to hold. */
import type { Json, Plan, SignedGrant, StepOutcome } from '@countersign/protocol';
import type { ChangeContext, RememberedStep } from '../capabilities/capability.ts';
import type { Confirmation } from './confirm.ts';
import type { Journal } from './journal.ts';
import type { LocalPolicy } from './local-policy.ts';
import { observeContext } from './observe.ts';
import type { Output } from './output.ts';
import type { RunPorts } from './run-ports.ts';

/** Why an action's signal was aborted: somebody asked for it. */
export class StopAsked extends Error {
  override readonly name = 'StopAsked';
}

export type StepPhase = 'running' | 'checking' | 'confirming' | 'undoing';

export interface Run {
  readonly ports: RunPorts;
  readonly journal: Journal;
  readonly policy: LocalPolicy;
  readonly actionId: string;
  readonly grant: SignedGrant;
  readonly plan: Plan;
  readonly output: Output;
  /** Values that are blacked out in all that this action says; grows with those that its steps are given. */
  readonly secrets: string[];
  /** Aborted with {@link StopAsked}, or with `NobodyConfirmed` when the time to confirm is over. */
  readonly stop: AbortSignal;
  /** The wait for a human; `null` for a plan that cannot lock anybody out. */
  readonly confirmation: Confirmation | null;
  /** Tells watchers where it is; `until` while it waits for a human. */
  readonly tell: (step: string, phase: StepPhase, until?: number) => void;
}

/** What the undo of a step is called: its processes have other names than those of the step. No step id holds a dot. */
export function undoName(step: string): string {
  return `${step}.undo`;
}

/** The context of one step. */
export function changeContext(
  run: Run,
  step: string,
  earlier: readonly RememberedStep[],
  signal: AbortSignal,
): ChangeContext {
  const { ports, actionId } = run;
  return {
    ...observeContext(ports, run.policy, signal),
    actionId,
    step,
    processes: ports.processes(actionId, step),
    blackOut: (value) => {
      if (!run.secrets.includes(value)) run.secrets.push(value);
    },
    onOutput: (text) => run.output.write(text),
    stateDir: ports.stateDir,
    earlier,
  };
}

/** What the steps of a plan remembered before they began, for undo steps that go back to it. */
export function rememberedSteps(run: Run): RememberedStep[] {
  const begun = run.journal.find(run.actionId)?.steps ?? [];
  return begun
    .filter(({ phase }) => phase === 'run')
    .flatMap(({ step, memory }) => {
      const planned = run.plan.steps.find(({ id }) => id === step);
      if (planned === undefined) return [];
      const parameters = planned.parameters as Readonly<Record<string, Json>>;
      return [{ step, capability: planned.capability, parameters, memory }];
    });
}

/** The outcome of a step that was not begun. */
export function skipped(step: string, summary: string): StepOutcome {
  return { step, state: 'skipped', exitCode: null, startedAt: null, finishedAt: null, summary };
}
