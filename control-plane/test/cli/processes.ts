/** The real programs as processes: a control plane with a data folder of its own, and the command line that talks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { stripControl, systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { freePort } from '../../../test/world/free-port.ts';
import { compiled } from '../../../test/world/places.ts';
import { run } from '../../src/cli/program.ts';
import { terminal } from '../../src/cli/terminal.ts';
import { readEnv } from '../../src/config/env.ts';

const source = resolve(import.meta.dirname, '../../src');

/** The first one after a change of the sources builds the dashboard and the bundle. */
const START_MS = 180_000;

export const password = 'correct horse battery';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: commands print many shapes
  readonly json: () => any;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Record<string, string>;
}

export interface Machine {
  readonly dataDir: string;
  readonly url: string;
  /** Runs `countersign …`. */
  cli(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same without the time that a process takes to start: for tests of many commands. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same at a terminal: types each answer when a question is asked. */
  type(argv: readonly string[], answers: readonly string[]): Promise<Ran>;
  /** Starts the control plane and waits until it answers. */
  start(
    script?: 'main.ts' | 'start.ts',
    env?: Record<string, string>,
  ): Promise<{ readonly pid: number; printed(): string; stop(): Promise<number | null> }>;
}

/** A machine with an empty data folder. Everything that it started ends with the test. */
export async function makeMachine(context: TestContext, extra: Record<string, string> = {}): Promise<Machine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-cli-'));
  const port = await freePort();
  const base = {
    PATH: process.env.PATH ?? '',
    ...compiled,
    HOME: dataDir,
    COUNTERSIGN_DATA: dataDir,
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_LOCAL_AGENT: 'off',
    ...extra,
  };
  const running = new Set<ChildProcess>();
  context.after(async () => {
    for (const child of running) await end(child, 'SIGTERM');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
  const url = `${extra.COUNTERSIGN_HOST ? 'https' : 'http'}://localhost:${port}`;
  return {
    dataDir,
    url,
    async cli(argv, { input = '', env = {} } = {}) {
      const child = spawn(process.execPath, [join(source, 'cli/main.ts'), ...argv], { env: { ...base, ...env } });
      const [out, err] = [collect(child.stdout), collect(child.stderr)];
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, out: out(), err: err(), json: () => JSON.parse(out()) };
    },
    run: (argv, { input = '', env = {} } = {}) => runHere(argv, { folder: dataDir, input, env: { ...base, ...env } }),
    type: (argv, answers) => runHere(argv, { folder: dataDir, input: '', answers, env: base }),
    async start(script = 'main.ts', env = {}) {
      const child = spawn(process.execPath, [join(source, script)], {
        env: { ...base, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      running.add(child);
      const log = process.env.COUNTERSIGN_TEST_LOG !== undefined;
      const [out, err] = [collect(child.stdout, { log }), collect(child.stderr, { log })];
      const printed = () => `${out()}${err()}`;
      // Not as soon as it is gone: what it said last may still be in the pipe.
      let ended: number | string | null = null;
      child.once('close', (code, signal) => {
        ended = code ?? signal;
      });
      await until(
        async () => {
          if (ended !== null) throw new Error(`it ended with ${ended}:\n${printed()}`);
          const file = await readFile(join(dataDir, 'control-plane.json'), 'utf8').catch(() => '{}');
          return JSON.parse(file).pid === child.pid && /Ctrl-C stops/.test(out());
        },
        printed,
        START_MS,
      );
      return {
        pid: child.pid ?? 0,
        printed,
        stop: async () => {
          running.delete(child);
          return end(child, 'SIGINT');
        },
      };
    },
  };
}

interface Place {
  readonly folder: string;
  readonly input: string;
  /** What a person types, question by question; without it there is no terminal. */
  readonly answers?: readonly string[];
  readonly env: Record<string, string>;
}

async function runHere(argv: readonly string[], { folder, input, answers, env }: Place): Promise<Ran> {
  const isTTY = answers !== undefined;
  const [output, errors] = [Object.assign(new PassThrough(), { isTTY }), new PassThrough()];
  const typed = Object.assign(new PassThrough(), { isTTY });
  const left = [...(answers ?? [])];
  // A question ends without a line break; everything else that is printed ends with one.
  output.on('data', (text: string) => {
    if (/[\]:] $/.test(stripControl(String(text))) && left.length > 0) typed.write(left.shift());
  });
  const [out, err] = [collect(output), collect(errors)];
  const ended = Promise.all([once(output, 'end'), once(errors, 'end')]);
  const code = await run(argv, {
    ...{ env: readEnv(env), clock: systemClock, ids: systemIds, version: '0.0.0', folder, typed: 'countersign' },
    terminal: terminal({ input: isTTY ? typed : Readable.from([input]), output, errors }, { colour: false }),
  });
  for (const stream of [output, errors]) stream.end();
  await ended;
  return { code, out: out(), err: err(), json: () => JSON.parse(out()) };
}

/** Waits for a condition, with a bound. */
export async function until(holds: () => Promise<boolean> | boolean, what: () => string, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms:\n${what()}`);
    await pause(50);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill(signal);
  const bound = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await gone;
  clearTimeout(bound);
  return child.exitCode;
}

function collect(stream: NodeJS.ReadableStream, { log = false } = {}): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    text += piece;
    if (log) process.stderr.write(piece);
  });
  return () => text;
}
