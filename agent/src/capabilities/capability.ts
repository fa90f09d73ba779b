/**
 * What a capability is on the agent: the code behind one row of the capability table in protocol. The runner gives it a
 * context; it reaches processes and files only through `host/`.
 */
import type {
  ChangeId,
  Clock,
  Json,
  ObservationId,
  ParametersOf,
  ResultOf,
  StepPreview,
  StepResult,
  WitnessFact,
} from '@countersign/protocol';
import type { OwnCommand } from '@countersign/protocol/own-command';
import type { Execute, StepProcesses } from '../host/execution.ts';
import type { App } from './deploys/app.ts';
import type { SecretSource } from './secrets.ts';

/** The part of the server's own policy that capabilities obey. The runner's local policy fits it by its shape. */
export interface LocalRules {
  /** Files below these may be read; empty means none. Absolute, normalised. */
  readonly readRoots: readonly string[];
  /** Files below these may be written. */
  readonly writeRoots: readonly string[];
  /** Never read or written, not even below a root. */
  readonly deniedPaths?: readonly string[];
  /** Folders and files that only root can read and that the owner opened: read as `readRoots`, never written. */
  readonly privilegedRoots?: readonly string[];
  /** What is never read, where that is less than `deniedPaths`, which is never written. */
  readonly readDenied?: readonly string[];
  /** Folders besides /tmp and /var/tmp that `tmp.clean` may clean. */
  readonly tmpRoots?: readonly string[];
  /** Values known to be secret on this server: blacked out wherever they turn up. */
  readonly secretValues?: readonly string[];
  /** Secrets that the owner named, by name: where their values are kept. */
  readonly secrets?: Readonly<Record<string, SecretSource>>;
  /** Whether commands may run, or the only ones that may. */
  readonly commands?: boolean | readonly OwnCommand[];
  /** Whether commands that are known to read only may run. */
  readonly readingCommands?: boolean;
  /** Apps that the owner declared, by name. */
  readonly apps?: Readonly<Record<string, App>>;
}

/** What an observation may use. */
export interface ObserveContext {
  /** Aborted at the capability's timeout, on cancel and on stop. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly localPolicy: LocalRules;
  /** Starts a process that only reads, as a child of this process. */
  readonly exec: Execute;
  /** Has a value blacked out in all that this action says from here on. */
  readonly blackOut?: (value: string) => void;
  /** argv that runs the agent itself with a subcommand behind it: `[node, main.ts]` or `[countersign-agent]`. For probes. */
  readonly self: readonly string[];
  /** The runner's own folder; not there in a process that is not the runner. */
  readonly stateDir?: string;
}

/** What an earlier step of the same action remembered before it began. */
export interface RememberedStep {
  readonly step: string;
  readonly capability: ChangeId;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly memory: Json;
}

/** What a change may use on top. One context serves one step of one action. */
export interface ChangeContext extends ObserveContext {
  readonly actionId: string;
  readonly step: string;
  /**
   * Starts what changes something: as transient units named by action and step where systemd is there, so that a second start
   * is refused and the result outlives the runner; else as children of this process. See `host/step-processes.ts`.
   */
  readonly processes: StepProcesses;
  /** What the step's processes print, for people who watch. Whole lines where lines end; not redacted yet. */
  readonly onOutput: (text: string) => void;
  /** A folder of the runner's own, mode 0700, for backups and output. */
  readonly stateDir: string;
  /** What the steps before this one remembered, in the order of the plan. For `file.restore` and `unit.restore`. */
  readonly earlier: readonly RememberedStep[];
}

export type Observer<C extends ObservationId> = (
  parameters: ParametersOf<C>,
  context: ObserveContext,
) => Promise<ResultOf<C>>;
export type Observers = { readonly [C in ObservationId]: Observer<C> };

/** What will happen, and the facts it rests on. Equal facts at the start mean that nothing drifted. */
export interface ChangePreview {
  readonly preview: Omit<StepPreview, 'step'>;
  readonly witness: readonly WitnessFact[];
}

/** One change. Every method rejects with a catalogue fault when it cannot do its work; `perform` then changed nothing. */
export interface Changer<C extends ChangeId = ChangeId> {
  /** Whether the preview tells what will happen. */
  readonly predictable: boolean;
  /** Whether `undo` sets a state that was, so that it may be begun again when a crash cut it off in the middle. */
  readonly undoAgain?: boolean;
  /** Reads only. Called once before anybody is asked and once more right before the start. */
  preview(parameters: ParametersOf<C>, context: ObserveContext): Promise<ChangePreview>;
  /** What undo and recovery need, taken (and made durable) before `perform`; the runner journals it. */
  remember?(parameters: ParametersOf<C>, context: ChangeContext): Promise<Json>;
  /**
   * Does it, once. A program that ends with an exit code other than 0 is a result with that `exit_code`, not a rejection:
   * the step failed when `exit_code` is neither 0 nor null. `memory` is what `remember` gave, else null.
   */
  perform(parameters: ParametersOf<C>, memory: Json, context: ChangeContext): Promise<StepResult>;
  /** Takes it back as far as it was done. May be called after a `perform` that failed or never ended. */
  undo?(parameters: ParametersOf<C>, memory: Json, context: ChangeContext): Promise<StepResult>;
  /**
   * Whether nothing takes this one back, although others can be: by its parameters, or by what `remember` found. Its preview
   * then says `undo: null`.
   */
  irreversible?(parameters: ParametersOf<C>, memory: Json): boolean;
  /**
   * After a crash between the journalled intent and the result: how the step ended, found out by reading only. Waits for a
   * transient unit that still runs. `null` when it cannot be known: then the outcome is `unknown`.
   */
  recover?(parameters: ParametersOf<C>, memory: Json, context: ChangeContext): Promise<StepResult | null>;
}
export type Changers = { readonly [C in ChangeId]: Changer<C> };
