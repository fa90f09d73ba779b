/** Whether a command that was asked for only reads, as far as can be told from here. Pure. The server judges for itself. */
import { readingOf } from '@countersign/protocol/reading-commands/judge';
import type { ServerTable } from '../storage/tables.ts';
import { abilitiesOf } from './server-allows.ts';
import type { Wanted } from './wanted.ts';

const TIMEOUT_MOST_S = 120;

/** The same request as one that only reads; `null` when it is none, or when the server's owner did not switch those on. */
export function readingWanted(
  server: Pick<ServerTable, 'capabilities_json' | 'facts_json' | 'policy_json'>,
  wanted: Wanted,
): Wanted | null {
  if (wanted.kind !== 'command') return null;
  const { argv, cwd, stdin, environment, timeout_s } = wanted;
  const { policy, capabilities } = abilitiesOf(server);
  if (policy?.readingCommands !== true || !capabilities.includes('command.read')) return null;
  if ([cwd, stdin, environment].some((each) => each !== undefined) || timeout_s > TIMEOUT_MOST_S) return null;
  return readingOf(argv, policy) === null ? null : { kind: 'reading', argv, timeout_s };
}
