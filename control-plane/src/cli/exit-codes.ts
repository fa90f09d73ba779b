/** What the command line says to scripts. Documented in `countersign --help`; never changed. */
import { Fault } from '@countersign/protocol';
import { CommanderError } from 'commander';
import { ConfigError } from '../config/config.ts';

export const exitCodes = {
  /** Done. */
  done: 0,
  /** The control plane refused, or something went wrong. */
  refused: 1,
  /** The command was typed wrongly. */
  usage: 2,
  /** The control plane does not answer. */
  unreachable: 3,
  /** Nobody is signed in here. */
  signedOut: 4,
  /** An audit log does not verify, or contradicts what a server keeps. */
  unverified: 5,
} as const;

/** The command cannot be carried out as typed. `next` says what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.next = next;
  }
}

/** The control plane does not answer. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  constructor(url: string, cause: unknown) {
    super(`The control plane does not answer at ${url}.`, { cause });
  }
}

const SIGN_IN = 'Sign in: countersign login --email you@example.org';

/** How an error ends the program: exit code, and the same words as the catalogue has. */
export function explain(error: unknown): { code: number; message: string; next: string; name: string } {
  if (error instanceof Fault) {
    const { message, next_step: next, code: name } = error.body;
    if (name === 'unauthenticated') return { code: exitCodes.signedOut, message, next: SIGN_IN, name };
    return { code: exitCodes.refused, message, next, name };
  }
  if (error instanceof UsageError)
    return { code: exitCodes.usage, message: error.message, next: error.next, name: 'usage' };
  if (error instanceof UnreachableError)
    return {
      code: exitCodes.unreachable,
      message: error.message,
      next: 'Start it with `npm start`, or name another with --url.',
      name: 'unreachable',
    };
  if (error instanceof ConfigError)
    return {
      code: exitCodes.usage,
      message: error.message,
      next: 'Set or unset the named variables.',
      name: 'configuration',
    };
  if (error instanceof CommanderError)
    return { code: error.exitCode === 0 ? 0 : exitCodes.usage, message: '', next: '', name: 'usage' };
  const message = error instanceof Error ? error.message : String(error);
  return { code: exitCodes.refused, message, next: 'If it repeats, please report it.', name: 'internal' };
}
