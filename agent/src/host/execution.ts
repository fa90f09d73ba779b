/** What starting a process takes and gives, whoever starts it: this process, or systemd on its behalf. */

export interface ExecRequest {
  /** The program and its arguments. No shell looks at it. */
  readonly argv: readonly string[];
  /** After this long the whole process group is killed (SIGTERM, then SIGKILL). */
  readonly timeoutMs: number;
  /** The most that is kept of each output stream, bytes; the rest is read and dropped. 1 MiB unless told. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /** Written to standard input, which is then closed. Empty unless told. */
  readonly input?: string;
  /** Added to `LANG`, `LC_ALL` and `PATH`, which are all that a process is given otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Runs in the network namespace of pid 1: the runner itself has no network. */
  readonly hostNetwork?: boolean;
  /** Output as it comes, both streams, in whole lines where lines are not endless. Not redacted, control characters and all. */
  readonly onOutput?: (text: string) => void;
}

export interface Executed {
  /** `null` when a signal ended it or it never started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  /** Empty where both streams go to one file (transient units): all output is then in `stdout`, in order. */
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether output was dropped because of `maxBytes`. */
  readonly truncated: boolean;
  readonly ms: number;
  /** Why it could not be started (`ENOENT`: the program is not there); `null` when it was. */
  readonly notStarted: string | null;
}

/** Runs one process to its end. Rejects only with the reason of an aborted `signal`; a failing program is a result. */
export type Execute = (request: ExecRequest) => Promise<Executed>;

/** A process of a step, which systemd may run: it has its network. Neither input nor environment are seen by others. */
export type StartRequest = Omit<ExecRequest, 'hostNetwork'> & {
  /**
   * Set for what must only read: where systemd starts it, it finds the whole file system read-only, cannot send anything, and does
   * not see these paths at all. With `filesOnly` it sees no disk as a device and nothing of other processes. A second wall; the first
   * is that nothing else is started this way.
   */
  readonly readsOnly?: { readonly hidden: readonly string[]; readonly filesOnly: boolean };
};

/** Starts the processes of one step of one action, counted from 1 in the order of their start, and finds them again. */
export interface StepProcesses {
  /**
   * Runs the next process to its end. Rejects with `grant_replayed` when a process of this name was started before, and with
   * the reason of an aborted `signal` after the process was ended.
   */
  start(request: StartRequest): Promise<Executed>;
  /** After a crash: how the process ended that an earlier runner started as number `index`. Waits while it runs. `null`: not known. */
  ended(index: number, onOutput?: (text: string) => void): Promise<Executed | null>;
  /** Ends whatever of the step still runs: SIGTERM to all its processes, SIGKILL after 5 s. */
  stop(): Promise<void>;
  /** Lets go of units and output files. Call it after the result is journaled, never before. */
  forget(): Promise<void>;
}

/**
 * Whether the program is not installed. In the network of another namespace it is nsenter(1) that is started, and it says by exit
 * code 127 that the program is not there.
 */
export function isMissing(executed: Executed, program: string): boolean {
  if (executed.notStarted === 'ENOENT') return true;
  return executed.exitCode === 127 && executed.stderr.includes(`failed to execute ${program}`);
}

/** The first lines of what a process said, its complaints before all else. For evidence, never for sentences of ours. */
export function saidBy(executed: Executed): string {
  if (executed.notStarted !== null) return executed.notStarted;
  return executed.stderr.trim() === '' ? executed.stdout : executed.stderr;
}

/** How a process ended, in words of ours: `ended with exit code 1`. */
export function howItEnded(executed: Executed): string {
  if (executed.notStarted === 'ENOENT') return 'is not installed';
  if (executed.notStarted !== null) return `could not be started (${executed.notStarted})`;
  if (executed.timedOut) return 'took too long and was ended';
  if (executed.signal !== null) return `was ended by ${executed.signal}`;
  return `ended with exit code ${executed.exitCode}`;
}
