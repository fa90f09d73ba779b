/** The one place that starts processes. No shell, a cleared environment, a process group of its own, bounded output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Cancel, type Clock, systemClock } from '@countersign/protocol';
import { CLEAN_ENVIRONMENT } from './clean-environment.ts';
import type { ExecRequest, Executed } from './execution.ts';

const OUTPUT_BYTES = 1024 * 1024;
/** Between SIGTERM and SIGKILL. */
const KILL_AFTER_MS = 2000;
/** How long output may still come after the process has ended, from children that hold its pipes. */
const DRAIN_MS = 500;
/** A line longer than this is handed on in pieces. */
const LINE_MAX = 16 * 1024;

/**
 * Runs one process to its end. A failing program, a missing one and a timeout are results. Rejects with the reason of `signal`
 * when that is aborted, after the process group is gone.
 */
export async function execute(request: ExecRequest, clock: Clock = systemClock): Promise<Executed> {
  request.signal?.throwIfAborted();
  const started = clock.monotonic();
  const [file = '', ...operands] = request.hostNetwork ? inHostNetwork(request.argv) : request.argv;
  const child = begin(file, operands, request);
  if ('notStarted' in child) return { ...NOTHING, ms: clock.monotonic() - started, notStarted: child.notStarted };
  const stdout = collect(child.stdout, request);
  const stderr = collect(child.stderr, request);
  const group = endGroupOn(child.pid, request, clock);
  const ended = await endOf(child);
  if (ended.notStarted === null) await drained([child.stdout, child.stderr], clock);
  group.settle();
  request.signal?.throwIfAborted();
  return {
    exitCode: ended.code,
    signal: ended.signal,
    stdout: stdout.text(),
    stderr: stderr.text(),
    timedOut: group.timedOut(),
    truncated: stdout.truncated() || stderr.truncated(),
    ms: clock.monotonic() - started,
    notStarted: ended.notStarted,
  };
}

/** Whether this process has a network of its own, so that the server's is reached by changing into that of pid 1. */
export function isApartFromHostNetwork(): boolean {
  try {
    return readlinkSync('/proc/self/ns/net') !== readlinkSync('/proc/1/ns/net');
  } catch (error) {
    // Without root the namespace of pid 1 cannot be read; such a process cannot have been given another one by our units.
    if (error instanceof Error) return false;
    throw error;
  }
}

function inHostNetwork(argv: readonly string[]): readonly string[] {
  return isApartFromHostNetwork() ? ['nsenter', '--net=/proc/1/ns/net', '--', ...argv] : argv;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly notStarted: string | null;
}

/** What cannot even be handed to the system (a NUL in a word, words that are too long together) is thrown by `spawn` itself. */
function begin(file: string, operands: readonly string[], { cwd, env, input }: ExecRequest) {
  try {
    const child = spawn(file, operands, {
      cwd: cwd ?? '/',
      env: { ...CLEAN_ENVIRONMENT, ...env },
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    // A program may end without having read what it is given.
    child.stdin?.on('error', () => undefined).end(input);
    return child;
  } catch (error) {
    return { notStarted: reasonOf(error) };
  }
}

const NOTHING = { exitCode: null, signal: null, stdout: '', stderr: '', timedOut: false, truncated: false };

/** The end of the process itself, which comes before that of its output, or why there never was one. */
function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, notStarted: null }));
    child.on('error', (error) => resolve({ code: null, signal: null, notStarted: reasonOf(error) }));
  });
}

/** Keeps the first bytes of a stream and hands all of it on in whole lines. */
function collect(stream: Readable | null | undefined, { maxBytes = OUTPUT_BYTES, onOutput }: ExecRequest) {
  const kept: Buffer[] = [];
  const lines = onOutput && wholeLines(onOutput);
  let size = 0;
  let truncated = false;
  stream?.on('data', (chunk: Buffer) => {
    if (size + chunk.length > maxBytes) truncated = true;
    if (size < maxBytes) kept.push(chunk.subarray(0, maxBytes - size));
    size = Math.min(maxBytes, size + chunk.length);
    lines?.add(chunk);
  });
  stream?.once('end', () => lines?.end());
  return { text: () => Buffer.concat(kept).toString('utf8'), truncated: () => truncated };
}

/** Splits a byte stream into whole lines (longer ones than 16 KiB in pieces), so that a secret is not cut in two. */
export function wholeLines(onOutput: (text: string) => void) {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const flush = (upTo: number) => {
    if (upTo > 0) onOutput(rest.slice(0, upTo));
    rest = rest.slice(upTo);
  };
  return {
    add(chunk: Buffer) {
      rest += decoder.write(chunk);
      flush(rest.lastIndexOf('\n') + 1);
      if (rest.length > LINE_MAX) flush(rest.length);
    },
    end() {
      rest += decoder.end();
      flush(rest.length);
    },
  };
}

/** Ends the process group at the timeout and on abort: SIGTERM, then SIGKILL. */
function endGroupOn(pid: number | undefined, { timeoutMs, signal }: ExecRequest, clock: Clock) {
  let timedOut = false;
  let cancelKill: Cancel | undefined;
  const end = () => {
    killGroup(pid, 'SIGTERM');
    cancelKill = clock.after(KILL_AFTER_MS, () => killGroup(pid, 'SIGKILL'));
  };
  const cancelTimeout = clock.after(timeoutMs, () => {
    timedOut = true;
    end();
  });
  signal?.addEventListener('abort', end, { once: true });
  return {
    timedOut: () => timedOut,
    settle() {
      cancelTimeout();
      signal?.removeEventListener('abort', end);
      cancelKill?.();
      // The process is gone; what it started and left behind in its group must not stay when it was ended by force.
      if (timedOut || signal?.aborted) killGroup(pid, 'SIGKILL');
    },
  };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Waits until the streams have ended, but not for children that outlive the process with its pipes in hand. */
function drained(streams: readonly (Readable | null | undefined)[], clock: Clock): Promise<void> {
  const open = streams.filter((stream) => stream != null && !stream.readableEnded && !stream.destroyed) as Readable[];
  if (open.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    let left = open.length;
    const cancel = clock.after(DRAIN_MS, () => {
      for (const stream of open) stream.destroy();
      resolve();
    });
    const one = () => {
      left -= 1;
      if (left > 0) return;
      cancel();
      resolve();
    };
    for (const stream of open) stream.once('close', one);
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message.slice(0, 200) : String(error);
}
