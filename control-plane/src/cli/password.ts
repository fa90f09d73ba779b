/** Where the command line takes passwords from: standard input or the keyboard, never an argument. */

import { UsageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

const INSTEAD = 'Send the password by standard input: … --password-stdin';
const PASSPHRASE_INSTEAD = 'Send the passphrase by standard input: … --passphrase-stdin';
const PASSPHRASE_MIN = 12;

export async function readPassword(terminal: Terminal, options: { passwordStdin?: boolean }): Promise<string> {
  return options.passwordStdin ? terminal.readAll() : terminal.askHidden('Password: ', INSTEAD);
}

/** Asks twice, so that a slip of the finger locks nobody out. */
export async function readNewPassword(terminal: Terminal, options: { passwordStdin?: boolean }): Promise<string> {
  if (options.passwordStdin) return terminal.readAll();
  return askTwice(terminal, 'New password (at least 12 characters): ', INSTEAD);
}

/** The passphrase that opens a key file. */
export async function readPassphrase(
  terminal: Terminal,
  file: string,
  options: { passphraseStdin?: boolean },
): Promise<string> {
  if (options.passphraseStdin) return terminal.readAll();
  return terminal.askHidden(`Passphrase of ${file}: `, PASSPHRASE_INSTEAD);
}

/** A passphrase for a new key file. Throws {@link UsageError} when it is too short to keep a thief busy. */
export async function readNewPassphrase(terminal: Terminal, options: { passphraseStdin?: boolean }): Promise<string> {
  const question = `New passphrase for the key (at least ${PASSPHRASE_MIN} characters): `;
  const passphrase = options.passphraseStdin
    ? await terminal.readAll()
    : await askTwice(terminal, question, PASSPHRASE_INSTEAD);
  if (passphrase.length < PASSPHRASE_MIN)
    throw new UsageError(
      `The passphrase has fewer than ${PASSPHRASE_MIN} characters.`,
      'Take a longer one, or --no-passphrase where the file is safe without.',
    );
  return passphrase;
}

async function askTwice(terminal: Terminal, question: string, instead: string): Promise<string> {
  const first = await terminal.askHidden(question, instead);
  const second = await terminal.askHidden('Once more: ', instead);
  if (first !== second) throw new UsageError('The two differ.', 'Type the same one twice.');
  return first;
}
