/** How a command says its result: JSON for scripts, lines for people. */
import type { CliContext } from './connection.ts';

/** Prints `value` as JSON when `--json` was given, else the lines. */
export async function answer(
  { terminal, options }: Pick<CliContext, 'terminal' | 'options'>,
  value: unknown,
  lines: () => readonly string[],
): Promise<void> {
  if (options().json) await terminal.write(`${JSON.stringify(value, null, 2)}\n`);
  else for (const line of lines()) terminal.say(line);
}

/** A time as a person reads it: `14:03:22`, with the date when it is another day. */
export function shortTime(iso: string | null, now: number): string {
  if (iso === null) return 'never';
  const today = new Date(now).toISOString().slice(0, 10);
  return iso.startsWith(today) ? `${iso.slice(11, 19)} UTC` : `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}
