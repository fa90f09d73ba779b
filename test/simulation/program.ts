/** Runs one of the simulation's programs in a process of its own and reads the line that it prints at its end. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface LifecycleRun {
  readonly seed: number;
  readonly path: string | null;
  readonly told: number;
  readonly seconds: number;
  readonly failure?: string;
}

export interface WholeSystemRun {
  readonly from: number;
  readonly seeds: number;
  readonly hours: number;
  readonly actions: number;
  readonly effects: number;
  readonly kills: number;
  readonly seconds: number;
  /** How often a program was killed at each point. */
  readonly killedAt: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly seed: number; readonly problem: string }[];
}

export interface TelegramRun {
  /** Of the sequence that failed, or of the next one. */
  readonly seed: number;
  readonly sequences: number;
  readonly seconds: number;
  readonly failure?: string;
}

/** Rejects when it prints no such line: then the program itself is broken. */
async function run<T>(file: string, args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    return JSON.parse(out.trim().split('\n').at(-1) ?? '') as T;
  } catch (cause) {
    throw new Error(`${file} ${args.join(' ')} ended with ${child.exitCode}: ${err.slice(-2000)}`, { cause });
  }
}

const flags = (given: Readonly<Record<string, string | number | undefined>>) =>
  Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));

export function tellStories(
  parts: 'rules' | 'real',
  given: { runs: number; seed?: number | string | undefined; path?: string | undefined; seconds?: number },
): Promise<LifecycleRun> {
  return run('lifecycle-main.ts', [parts, ...flags(given)]);
}

export function liveThrough(given: {
  from: number | string;
  seeds: number;
  seconds?: number;
}): Promise<WholeSystemRun> {
  return run('whole-system-main.ts', flags(given));
}

/** Random sequences of taps, changes and faults, after which every copy of every card has to tell what the store holds. */
export function convergeTelegram(given: {
  sequences: number;
  seed: number | string;
  seconds?: number;
}): Promise<TelegramRun> {
  return run('../../control-plane/test/telegram/converge-main.ts', flags(given));
}
