import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** What a command left: `exitCode` is 128 + the signal's number when a signal ended it; the outputs are whole, as UTF-8. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Written to the command's standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** After this long the command and its children are killed and the call fails. 30 000 ms unless told. */
  readonly timeoutMs?: number;
  /** The whole environment of the command. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are no failure: 0 unless told. */
  readonly okCodes?: readonly number[] | 'any';
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 };

/**
 * Runs one command on this machine to its end, in a process group of its own.
 *
 * @throws Error naming the command, its exit code and the end of its error output, when the code is not one of `okCodes`,
 *   when it outlasts `timeoutMs`, or when it cannot be started.
 */
export async function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...rest] = argv;
  if (file === undefined) throw new Error('a command needs at least one word');
  const child = spawn(file, rest, { detached: true, stdio: 'pipe', env: { ...(options.env ?? process.env) } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A command that does not read its input closes the pipe; its exit code tells what came of it.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') child.emit('error', error);
  });
  child.stdin.end(options.input);

  const timeoutMs = options.timeoutMs ?? 30_000;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endGroup(child);
  }, timeoutMs);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0)));
  }).finally(() => clearTimeout(timer));

  const result = { exitCode, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  const okCodes = options.okCodes ?? [0];
  if (late) throw new Error(`${argv.join(' ')}: not done after ${timeoutMs} ms${ending(result)}`);
  if (okCodes !== 'any' && !okCodes.includes(exitCode)) {
    throw new Error(`${argv.join(' ')}: exit code ${exitCode}${ending(result)}`);
  }
  return result;
}

function endGroup(child: ChildProcessWithoutNullStreams): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  // Something that left the group may still hold the pipes.
  child.stdout.destroy();
  child.stderr.destroy();
}

function ending(result: CommandResult): string {
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-1000);
  return said === '' ? '' : `: ${said}`;
}
