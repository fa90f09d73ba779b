/** `key create|show`, `passkeys`: the keys that an approver signs with, and their public halves. */
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import { makeSigningKey } from '@countersign/protocol/signing';
import type { Command } from 'commander';
import { answer, shortTime } from '../answer.ts';
import { openKeyFile, publicKeyIn, writeKeyFile } from '../approver-keys/key-file.ts';
import { type CliContext, fileNamed, signedIn } from '../connection.ts';
import { readNewPassphrase, readPassphrase } from '../password.ts';
import { columns } from '../terminal.ts';

export function keyCommands(program: Command, context: CliContext): void {
  const key = program.command('key').description('approver keys on this machine; the control plane never sees them');
  key
    .command('create')
    .description('make an Ed25519 key in a file that only you can read, encrypted with a passphrase')
    .option('--out <file>', 'where to; its public half goes to FILE.pub', 'countersign.key')
    .option('--no-passphrase', 'do not encrypt it')
    .option('--passphrase-stdin', 'read the passphrase from standard input')
    .action((options: CreateOptions) => createKey(context, options));
  key
    .command('show')
    .description('the public half of a key file, as a lock names it')
    .argument('<file>', 'of `countersign key create`, or of OpenSSH; private or public')
    .option('--open', 'open the private key, so that it is certain that the two halves belong together')
    .option('--passphrase-stdin', 'read the passphrase from standard input')
    .action((file: string, options: ShowOptions) => showKey(context, file, options));
  program
    .command('passkeys')
    .description('your passkeys, with their public keys as a lock names them')
    .action(() => listPasskeys(context));
}

interface CreateOptions {
  readonly out: string;
  readonly passphrase: boolean;
  readonly passphraseStdin?: boolean;
}

async function createKey(context: CliContext, { out, passphrase, ...options }: CreateOptions): Promise<void> {
  const file = fileNamed(context, out);
  const secret = passphrase ? await readNewPassphrase(context.terminal, options) : null;
  const made = makeSigningKey();
  await writeKeyFile(file, made, secret);
  const shown = { file, key: made.publicKey, fingerprint: keyFingerprint(made.publicKey), encrypted: passphrase };
  await answer(context, shown, () => [
    `${context.terminal.paint('green', '✓')} ${file}${passphrase ? ', encrypted' : ', NOT encrypted'}`,
    `  public key   ${shown.key}`,
    `  fingerprint  ${shown.fingerprint}`,
    `  next         ${context.typed} lock init --holder NAME=${shown.key}`,
  ]);
}

interface ShowOptions {
  readonly open?: boolean;
  readonly passphraseStdin?: boolean;
}

async function showKey(context: CliContext, name: string, options: ShowOptions): Promise<void> {
  const file = fileNamed(context, name);
  const key = options.open
    ? (await openKeyFile(file, () => readPassphrase(context.terminal, name, options))).publicKey
    : await publicKeyIn(file);
  await answer(context, { key, fingerprint: keyFingerprint(key) }, () => [key, keyFingerprint(key)]);
}

async function listPasskeys(context: CliContext): Promise<void> {
  const { call } = await signedIn(context);
  const found = await call('listPasskeys', {});
  await answer(context, found, () => [
    ...(found.passkeys.length === 0
      ? ['No passkeys yet. Add one on the dashboard, under your account.']
      : columns([
          ['ID', 'NAME', 'LAST USED', 'KEY'],
          ...found.passkeys.map((it) => [it.id, it.name, shortTime(it.last_used_at, context.clock.now()), it.key]),
        ])),
    ...(found.impossible_because === null ? [] : [`Passkeys do not work here: ${found.impossible_because}`]),
  ]);
}
