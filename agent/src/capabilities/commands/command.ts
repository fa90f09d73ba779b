import { fault, type StepResult } from '@countersign/protocol';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { statOrNull } from '../../host/look.ts';
import type { ChangeContext, Changer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { requireSecrets, saySecrets, withSecrets } from '../secrets.ts';

/** Runs one program. Whether the server allows commands at all is for its policy to say, before this is called. */
export const commandRun: Changer<'command.run'> = {
  predictable: false,
  async preview({ argv, cwd, timeout_s: timeout, stdin, environment = {} }, context) {
    requireFolder(cwd);
    for (const text of [stdin ?? '', ...Object.values(environment)]) requireSecrets(text, context);
    const effects = [
      'What it does cannot be predicted.',
      `It runs in ${cwd ?? '/'} and is ended after ${timeout} s. No shell looks at its words.`,
    ];
    if (stdin !== undefined) effects.push(`Its standard input is ${said(stdin)}.`);
    for (const [name, value] of Object.entries(environment)) effects.push(`Variable ${name} is ${said(value)}.`);
    return { preview: { argv: [argv], diff: null, effects: shortened(effects), undo: null }, witness: [] };
  },
  async perform({ argv, cwd, timeout_s: timeout, stdin, environment }, _, context) {
    requireFolder(cwd);
    const done = await context.processes.start({
      argv,
      timeoutMs: timeout * 1000,
      signal: context.signal,
      onOutput: context.onOutput,
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

const EFFECTS_MAX = 20;

/** What stands in a plan besides secrets is shown with its parameters. */
const said = (text: string) => saySecrets(text) ?? `the ${text.length} characters in its parameters`;

function shortened(effects: readonly string[]): string[] {
  const more = effects.length - EFFECTS_MAX;
  const kept = more > 0 ? [...effects.slice(0, EFFECTS_MAX - 1), `There are ${more + 1} more variables.`] : effects;
  return kept.map((effect) => effect.slice(0, 500));
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
