/** What the runner is handed by `compose.ts`: capabilities, processes, time, its journal, and who it is. */
import type { Clock, Fault, Ids, SignedLockChange } from '@countersign/protocol';
import type { Changers, Observers } from '../capabilities/capability.ts';
import type { DeadMan } from '../host/dead-man.ts';
import type { Execute, StepProcesses } from '../host/execution.ts';
import type { Log } from '../host/log.ts';
import type { LocalPolicy } from './local-policy.ts';

/** Enough to observe and to preview. */
export interface ObservePorts {
  readonly clock: Clock;
  readonly observers: Observers;
  /** Starts a process that only reads. */
  readonly exec: Execute;
  /** argv that runs the agent itself with a subcommand behind it. */
  readonly self: readonly string[];
  /** A folder of the runner's own; not there in a process that is not the runner. */
  readonly stateDir?: string;
}

/** Enough to act. */
export interface RunPorts extends ObservePorts {
  readonly ids: Ids;
  readonly log: Log;
  readonly changers: Changers;
  /** The processes of one step: transient units where systemd is there, so that they outlive the runner. */
  readonly processes: (actionId: string, step: string) => StepProcesses;
  /** Takes an action back even when this process is dead. */
  readonly deadMan: DeadMan;
  /** A folder of the runner's own. */
  readonly stateDir: string;
  readonly serverId: string;
  readonly serverName: string;
  readonly controlPlaneKey: string;
  /** Differs after every boot. */
  readonly bootId: string;
  /** The policy as it is on disk now, its lock as this server follows it. Throws `SettingsProblem`. */
  readonly policy: () => LocalPolicy;
  /** Follows changes of the lock; returns why the first that does not fit was refused. Throws as `LockBook.take` does. */
  readonly takeLockChanges: (changes: readonly SignedLockChange[]) => Fault | null;
}
