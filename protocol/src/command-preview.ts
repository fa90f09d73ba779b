/**
 * What a command would do, in words. The server says it when it is asked, and again before it starts; a control plane that knows the
 * server to say it like this need not ask. Pure.
 */
import type { ParametersOf } from './capabilities/index.ts';
import type { StepPreview } from './plan.ts';
import { saySecrets } from './secret-reference.ts';

const EFFECTS_MAX = 20;

/** The preview of one `command.run`, not yet redacted. */
export function commandPreview({
  argv,
  cwd,
  timeout_s: timeout,
  stdin,
  environment = {},
}: ParametersOf<'command.run'>): Omit<StepPreview, 'step'> {
  const effects = [
    'What it does cannot be predicted.',
    `It runs in ${cwd ?? '/'} and is ended after ${timeout} s. No shell looks at its words.`,
  ];
  if (stdin !== undefined) effects.push(`Its standard input is ${said(stdin)}.`);
  // In one order, however they came: a stored plan has its members sorted, and what it then says must be what it said before.
  for (const [name, value] of Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1)))
    effects.push(`Variable ${name} is ${said(value)}.`);
  return { argv: [argv], diff: null, effects: shortened(effects), undo: null };
}

/** What stands in a plan besides secrets is shown with its parameters. */
const said = (text: string) => saySecrets(text) ?? `the ${text.length} characters in its parameters`;

function shortened(effects: readonly string[]): string[] {
  const more = effects.length - EFFECTS_MAX;
  const kept = more > 0 ? [...effects.slice(0, EFFECTS_MAX - 1), `There are ${more + 1} more variables.`] : effects;
  return kept.map((effect) => effect.slice(0, 500));
}
