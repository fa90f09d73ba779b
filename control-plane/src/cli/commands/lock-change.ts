/** `lock add|remove|require|party|disable`, and `lock sign|submit` where one signature is not enough. */
import { fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { changeDigest, followChange, holdersThatSigned } from '@countersign/protocol/follow-lock';
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import {
  type LockChange,
  type LockState,
  type SignedLockChange,
  signedLockChangeSchema,
} from '@countersign/protocol/lock';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { answer } from '../answer.ts';
import { isKeyNamed } from '../approver-keys/key-text.ts';
import { neededSigner, type SignerOptions, signerOptions } from '../approver-keys/signer.ts';
import { type CliContext, fileNamed, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { type FollowedLock, followedLock } from '../followed-lock.ts';
import { HOLDER_HELP, holderKey, presentParty, readRequired } from '../holder-keys.ts';
import { readJsonFile, writeJsonFile } from '../json-file.ts';
import { changeWords, stateLines } from '../lock-words.ts';
import { columns } from '../terminal.ts';

type Change = LockChange['change'];

export function lockChangeCommands(lock: Command, context: CliContext): void {
  changing(lock.command('add').description('let another key count'))
    .requiredOption('--holder <name=key>', HOLDER_HELP)
    .action((options: ChangeOptions & { holder: string }) =>
      change(context, options, async (_state, call) => ({
        kind: 'add',
        key: await holderKey(context, call, options.holder),
      })),
    );
  changing(lock.command('remove').description('let a key count no more'))
    .argument('<key>', 'its text, or its fingerprint: SHA256:…')
    .action((named: string, options: ChangeOptions) =>
      change(context, options, async (state) => ({ kind: 'remove', key: oneKey(state, named) })),
    );
  changing(lock.command('require').description('ask for other numbers of holders'))
    .argument('<numbers>', 'such as critical=2,change=2; what is not named stays')
    .action((numbers: string, options: ChangeOptions) =>
      change(context, options, async ({ signatures }) => ({
        kind: 'require',
        signatures: readRequired(numbers, signatures),
      })),
    );
  changing(
    lock.command('party').description('take passkeys of the site under which the control plane is reached now'),
  ).action((options: ChangeOptions) =>
    change(context, options, async (_state, call) => ({ kind: 'party', party: await presentParty(call) })),
  );
  lock
    .command('disable')
    .description('end the lock with its recovery secret: servers believe the control plane again')
    .option('--secret-stdin', 'read the recovery secret from standard input')
    .action((options: { secretStdin?: boolean }) => disable(context, options));
  handedAround(lock, context);
}

function handedAround(lock: Command, context: CliContext): void {
  const sign = lock
    .command('sign')
    .description('sign a change that another holder made with --out; it is shown first')
    .argument('<file>', 'the change')
    .option('--yes', 'do not ask; needs --digest')
    .option('--digest <digest>', 'sign only the change with this digest; its first 8 digits are enough')
    .option('--from <file>', 'your own copy of the lock, to check against');
  signerOptions(sign).action((file: string, options: SignOptions) => signChange(context, file, options));
  lock
    .command('submit')
    .description('hand in a change that enough holders signed')
    .argument('<file>', 'the change')
    .action(async (name: string) => {
      const { call } = await signedIn(context);
      await submit(context, call, await readChange(fileNamed(context, name)));
    });
}

/** The options of every change: who signs it, and where it goes. */
function changing(command: Command): Command {
  return signerOptions(command)
    .option('--out <file>', 'write the signed change to a file for the next holder, instead of handing it in')
    .option('--from <file>', 'your own copy of the lock, to check against');
}

interface ChangeOptions extends SignerOptions {
  readonly out?: string;
  readonly from?: string;
}

async function change(
  context: CliContext,
  options: ChangeOptions,
  make: (state: LockState, call: Call) => Promise<Change>,
): Promise<void> {
  const { call } = await signedIn(context);
  const lock = await followedLock(context, call, options.from);
  const { state, digest: before } = lock;
  const needed = state.signatures.change;
  if (needed > 1 && options.out === undefined)
    throw new UsageError(
      `A change of this lock needs ${needed} holders.`,
      'Add --out FILE, let the others run `countersign lock sign FILE`, then `countersign lock submit FILE`.',
    );
  const made: LockChange = {
    format: 'countersign-lock-change/1',
    before,
    at: context.clock.now(),
    change: await make(state, call),
  };
  const signed = await withSignature(context, options, lock, { change: made, signatures: [] });
  if (options.out === undefined) {
    followChange(state, signed); // what a server would refuse is refused here, in the same words
    return submit(context, call, signed);
  }
  const file = fileNamed(context, options.out);
  await writeJsonFile(file, signed);
  await tellSigned(context, lock, signed, file);
}

interface SignOptions extends SignerOptions {
  readonly yes?: boolean;
  readonly digest?: string;
  readonly from?: string;
}

async function signChange(context: CliContext, name: string, options: SignOptions): Promise<void> {
  const { terminal } = context;
  const { call } = await signedIn(context);
  const file = fileNamed(context, name);
  const read = await readChange(file);
  const lock = await followedLock(context, call, options.from);
  if (read.change.before !== lock.digest)
    throw fault('lock_change_invalid', { reason: 'it was made for another state of the lock' });
  const digest = changeDigest(read.change);
  if (options.digest !== undefined && !(options.digest.length >= 8 && digest.startsWith(options.digest)))
    throw new UsageError(`${name} has the digest ${digest}.`, 'Read the change again; it is another one.');
  if (!context.options().json) {
    terminal.say(`It would ${changeWords(read.change, lock.state)}`);
    terminal.say(`  digest ${digest}, of state ${lock.state.number} of ${lock.state.chain}`);
  }
  if (options.yes && options.digest === undefined)
    throw new UsageError('With --yes nobody looks at the change any more.', 'Name what you saw: --yes --digest DIGEST');
  if (!options.yes) {
    const said = await terminal.ask('Sign it? [y/N] ', 'Sign with --yes --digest DIGEST, after you read the change.');
    if (!/^y(es)?$/i.test(said)) throw new UsageError('Not signed.', 'The file is as it was.');
  }
  const signed = await withSignature(context, options, lock, read);
  await writeJsonFile(file, signed, { overwrite: true });
  await tellSigned(context, lock, signed, file);
}

async function withSignature(
  context: CliContext,
  options: SignerOptions,
  { state }: FollowedLock,
  { change: made, signatures }: SignedLockChange,
): Promise<SignedLockChange> {
  const keys = state.keys.map(({ key }) => key);
  const signer = await neededSigner(context, options, keys);
  const signature = await signer.sign(changeDigest(made));
  return { change: made, signatures: [...signatures.filter(({ key }) => key !== signer.key), signature] };
}

async function tellSigned(context: CliContext, { state }: FollowedLock, signed: SignedLockChange, file: string) {
  const digest = changeDigest(signed.change);
  const holders = [...holdersThatSigned(state, digest, signed.signatures)];
  const missing = Math.max(0, state.signatures.change - holders.length);
  await answer(context, { file, digest, holders, missing }, () => [
    `${file}: ${changeWords(signed.change, state)}`,
    `  digest     ${digest}`,
    `  signed by  ${holders.join(', ')}`,
    missing === 0
      ? `  next       ${context.typed} lock submit ${file}`
      : `  next       ${missing} more: ${context.typed} lock sign ${file} --key FILE`,
  ]);
}

async function submit(context: CliContext, call: Call, signed: SignedLockChange): Promise<void> {
  const made = await call('changeLock', { change: signed });
  await answer(context, made, () => [
    `${context.terminal.paint('green', '✓')} Every server that follows the lock is told.`,
    ...stateLines(made.state),
    `Keep a copy: ${context.typed} lock export --out FILE`,
  ]);
}

const readChange = (file: string): Promise<SignedLockChange> =>
  readJsonFile(file, signedLockChangeSchema, 'a change of a lock');

/** The one key of a lock that is meant. */
function oneKey({ keys }: LockState, named: string): string {
  const found = keys.filter(({ key }) => isKeyNamed(key, named));
  const [only] = found;
  if (found.length === 1 && only) return only.key;
  throw new UsageError(
    `${found.length === 0 ? 'No key' : 'More than one key'} of the lock is ${named}.`,
    `Name one of:\n${columns(keys.map(({ key, holder }) => [`  ${keyFingerprint(key)}`, holder])).join('\n')}`,
  );
}

async function disable(context: CliContext, { secretStdin }: { secretStdin?: boolean }): Promise<void> {
  const { terminal } = context;
  const { call } = await signedIn(context);
  const { state, digest: before } = await followedLock(context, call, undefined);
  const secret = secretStdin
    ? await terminal.readAll()
    : await terminal.askHidden('Recovery secret: ', 'Send it by standard input: … --secret-stdin');
  // Checked before it leaves: a wrong one may be a right one of another lock.
  if (state.recovery === null || sha256(secret) !== state.recovery)
    throw fault('lock_change_invalid', { reason: 'the recovery secret is wrong' });
  const at = context.clock.now();
  const ending: LockChange = { format: 'countersign-lock-change/1', before, at, change: { kind: 'disable', secret } };
  await submit(context, call, { change: ending, signatures: [] });
}
