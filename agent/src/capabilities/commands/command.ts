import { fault, type StepResult } from '@countersign/protocol';
import { commandPreview } from '@countersign/protocol/command-preview';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { statOrNull } from '../../host/look.ts';
import type { ChangeContext, Changer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { requireSecrets, withSecrets } from '../secrets.ts';

/** Runs one program. Whether the server allows commands at all is for its policy to say, before this is called. */
export const commandRun: Changer<'command.run'> = {
  predictable: false,
  async preview(parameters, context) {
    const { cwd, stdin, environment = {} } = parameters;
    requireFolder(cwd);
    for (const text of [stdin ?? '', ...Object.values(environment)]) requireSecrets(text, context);
    return { preview: commandPreview(parameters), witness: [] };
  },
  async perform({ argv, cwd, timeout_s: timeout, stdin, environment }, _, context) {
    requireFolder(cwd);
    const done = await context.processes.start({
      argv,
      timeoutMs: timeout * 1000,
      signal: context.signal,
      onOutput: context.onOutput,
      maxBytes: 0, // what it prints is told as it comes, and not asked for again
      ...(cwd === undefined ? {} : { cwd }),
      ...(stdin === undefined ? {} : { input: withSecrets(stdin, context) }),
      ...(environment === undefined ? {} : { env: filled(environment, context) }),
    });
    return resultOf(argv, done);
  },
  async recover({ argv }, _, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : resultOf(argv, done);
  },
};

function filled(environment: Readonly<Record<string, string>>, context: ChangeContext): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, withSecrets(value, context)]));
}

/** What a step that ran one program tells. */
export function resultOf([program = '']: readonly string[], done: Executed): StepResult {
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
