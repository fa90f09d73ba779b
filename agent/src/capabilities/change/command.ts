import { fault, type StepResult } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { statOrNull } from '../../host/look.ts';
import type { Changer } from '../capability.ts';
import { exitCodeOf } from './exit-code.ts';

/** Runs one program. Whether the server allows commands at all is for its policy to say, before this is called. */
export const commandRun: Changer<'command.run'> = {
  predictable: false,
  async preview({ argv, cwd, timeout_s: timeout }) {
    requireFolder(cwd);
    const effects = [
      'What it does cannot be predicted.',
      `It runs in ${cwd ?? '/'} and is ended after ${timeout} s. No shell looks at its words.`,
    ];
    return { preview: { argv: [argv], diff: null, effects, undo: null }, witness: [] };
  },
  async perform({ argv, cwd, timeout_s: timeout }, _, context) {
    requireFolder(cwd);
    const done = await context.processes.start({
      argv,
      timeoutMs: timeout * 1000,
      signal: context.signal,
      onOutput: context.onOutput,
      ...(cwd === undefined ? {} : { cwd }),
    });
    return resultOf(argv, done);
  },
  async recover({ argv }, _, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : resultOf(argv, done);
  },
};

function resultOf([program = '']: readonly string[], done: Executed): StepResult {
  return {
    changed: done.notStarted === null,
    exit_code: exitCodeOf(done),
    summary: `${program} ${howItEnded(done)}.`.slice(0, 500),
  };
}

function requireFolder(cwd: string | undefined): void {
  if (cwd !== undefined && statOrNull(cwd)?.isDirectory() !== true)
    throw fault('precondition_failed', { reason: `${cwd} is no folder on the server` });
}
