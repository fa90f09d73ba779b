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
