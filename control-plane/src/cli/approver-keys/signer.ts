/** Who signs on this machine: a key file or the ssh-agent, as the options of a command say. */
import { type ApproverSignature, fault } from '@countersign/protocol';
import { bytesToSign, signDigest, whyNotSigned } from '@countersign/protocol/approver-signature';
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import type { Command } from 'commander';
import { type CliContext, fileNamed } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { readPassphrase } from '../password.ts';
import { columns } from '../terminal.ts';
import { openKeyFile } from './key-file.ts';
import { isKeyNamed } from './key-text.ts';
import { type AgentKey, sshAgent } from './ssh-agent.ts';

export interface SignerOptions {
  readonly key?: string;
  /** `true` when no fingerprint was given. */
  readonly sshAgent?: string | true;
  readonly passphraseStdin?: boolean;
}

export interface Signer {
  /** Public key, `ed25519:…`. */
  readonly key: string;
  /** Signs a digest of 64 hex digits. Every signature is checked here before anybody sees it. */
  sign(digest: string): Promise<ApproverSignature>;
}

/** The options that every signing command has. */
export function signerOptions(command: Command): Command {
  return command
    .option('--key <file>', 'sign with this key file: of `countersign key create`, or of OpenSSH')
    .option('--ssh-agent [fingerprint]', 'sign with a key of your ssh-agent (ssh-ed25519)')
    .option('--passphrase-stdin', 'read the passphrase of the key file from standard input');
}

/** The signer that the options name; null when they name none. `counting` are the keys that the lock counts, if it is known. */
export async function signerOf(
  context: CliContext,
  options: SignerOptions,
  counting: readonly string[] | null,
): Promise<Signer | null> {
  if (options.key !== undefined && options.sshAgent !== undefined)
    throw new UsageError('One signature is made at a time.', 'Give either --key or --ssh-agent.');
  const signer =
    options.key !== undefined
      ? await fileSigner(context, options.key, options)
      : options.sshAgent !== undefined
        ? await agentSigner(context, options.sshAgent, counting)
        : null;
  if (signer !== null && counting !== null && !counting.includes(signer.key))
    throw fault('signature_invalid', { reason: `the lock does not know the key ${keyFingerprint(signer.key)}` });
  return signer;
}

/** The same where a signature is needed in any case. */
export async function neededSigner(
  context: CliContext,
  options: SignerOptions,
  counting: readonly string[] | null,
): Promise<Signer> {
  const signer = await signerOf(context, options, counting);
  if (signer === null) throw new UsageError('This has to be signed.', 'Add --key FILE or --ssh-agent.');
  return signer;
}

async function fileSigner(context: CliContext, name: string, options: SignerOptions): Promise<Signer> {
  const { publicKey, seed } = await openKeyFile(fileNamed(context, name), () =>
    readPassphrase(context.terminal, name, options),
  );
  return signerWith(publicKey, async (digest) => signDigest(digest, seed));
}

async function agentSigner(
  { env, clock }: CliContext,
  wanted: string | true,
  counting: readonly string[] | null,
): Promise<Signer> {
  if (env.SSH_AUTH_SOCK === undefined)
    throw new UsageError('There is no ssh-agent: SSH_AUTH_SOCK is not set.', 'Start one: eval "$(ssh-agent)"; ssh-add');
  const agent = sshAgent(env.SSH_AUTH_SOCK, clock);
  const { key } = chosen(await agent.keys(), wanted, counting);
  return signerWith(key, (digest) => agent.sign(key, bytesToSign(digest)));
}

/** The key that is meant: the one named, else the only one that the lock counts, else the only one. */
function chosen(all: readonly AgentKey[], wanted: string | true, counting: readonly string[] | null): AgentKey {
  const named = wanted === true ? all : all.filter(({ key }) => isKeyNamed(key, wanted));
  const fitting = wanted === true && counting !== null ? named.filter(({ key }) => counting.includes(key)) : named;
  const [first, second] = fitting.length > 0 ? fitting : named;
  if (first === undefined)
    throw new UsageError(
      wanted === true ? 'The ssh-agent holds no Ed25519 key.' : `The ssh-agent holds no Ed25519 key ${wanted}.`,
      'Give it one: ssh-add FILE. Keys of other kinds, also hardware ones (sk-…), do not sign here.',
    );
  if (second !== undefined)
    throw new UsageError(
      'The ssh-agent holds several keys that fit.',
      `Name one: --ssh-agent FINGERPRINT\n${columns(all.map((it) => [`  ${keyFingerprint(it.key)}`, it.comment])).join('\n')}`,
    );
  return first;
}

function signerWith(key: string, make: (digest: string) => Promise<string>): Signer {
  return {
    key,
    async sign(digest) {
      const signature: ApproverSignature = { kind: 'ed25519', key, signature: await make(digest) };
      const reason = whyNotSigned(signature, digest, null);
      if (reason !== null) throw fault('signature_invalid', { reason });
      return signature;
    },
  };
}
