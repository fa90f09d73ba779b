/** The fresh proof that it is the signed-in person who asks: a password, or a code of the authenticator app. */
import { Fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import type { CliContext } from './connection.ts';
import { readPassword } from './password.ts';

export interface ProofOptions {
  readonly passwordStdin?: boolean;
  readonly code?: string;
}

/** The options of every command that needs a proof. */
export function proofOptions(command: Command): Command {
  return command
    .option('--password-stdin', 'prove that it is you: read your password from standard input')
    .option('--code <digits>', 'prove that it is you: present code of your authenticator app');
}

export async function readProof({ terminal }: Pick<CliContext, 'terminal'>, options: ProofOptions): Promise<Proof> {
  if (options.code !== undefined) return { kind: 'code', code: options.code };
  return { kind: 'password', password: await readPassword(terminal, options) };
}

/** Sends with a proof where one was given; without, and once more with one, where the control plane then asks for it. */
export async function provenIfAsked<T>(
  context: Pick<CliContext, 'terminal'>,
  options: ProofOptions,
  send: (proof: { proof?: Proof }) => Promise<T>,
): Promise<T> {
  if (options.code !== undefined || options.passwordStdin) return send({ proof: await readProof(context, options) });
  try {
    return await send({});
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'proof_needed') throw error;
    return send({ proof: await readProof(context, options) });
  }
}
