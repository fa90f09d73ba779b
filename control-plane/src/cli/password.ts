/** Where the command line takes passwords from: standard input or the keyboard, never an argument. */

import { UsageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

const INSTEAD = 'Send the password by standard input: … --password-stdin';

export async function readPassword(terminal: Terminal, options: { passwordStdin?: boolean }): Promise<string> {
  return options.passwordStdin ? terminal.readAll() : terminal.askHidden('Password: ', INSTEAD);
}

/** Asks twice, so that a slip of the finger locks nobody out. */
export async function readNewPassword(terminal: Terminal, options: { passwordStdin?: boolean }): Promise<string> {
  if (options.passwordStdin) return terminal.readAll();
  const first = await terminal.askHidden('New password (at least 12 characters): ', INSTEAD);
  const second = await terminal.askHidden('Once more: ', INSTEAD);
  if (first !== second) throw new UsageError('The two passwords differ.', 'Type the same one twice.');
  return first;
}
