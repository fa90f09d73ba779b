/** `lock init|show|log|export|restore`: the lock that servers follow, as this machine checks it. */
import { rm } from 'node:fs/promises';
import { Fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { checked } from '@countersign/protocol/follow-lock';
import { type LockState, lockSignaturesSchema } from '@countersign/protocol/lock';
import type { Call, Proof } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { answer } from '../answer.ts';
import { type CliContext, fileNamed, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { followedLock, readLockFile } from '../followed-lock.ts';
import { HOLDER_HELP, holderKey, presentParty, readRequired } from '../holder-keys.ts';
import { writeJsonFile } from '../json-file.ts';
import { checkedLine, serverLines, stateLines, stepLines } from '../lock-words.ts';
import { type ProofOptions, proofOptions, readProof } from '../proof.ts';
import { lockChangeCommands } from './lock-change.ts';

const collect = (value: string, before: string[]) => [...before, value];
const REQUIRE_HELP = 'how many holders must sign, such as critical=2,change=2; 1 for what is not named';
const FROM_HELP = 'your own copy of the lock: check that what the control plane shows leads on from it';

export function lockCommands(program: Command, context: CliContext): void {
  const lock = program.command('lock').description('whose signatures servers count; they believe it, not us');
  const init = lock
    .command('init')
    .description('make a lock: a file that servers pin, and a recovery secret that is shown once')
    .requiredOption('--holder <name=key>', `${HOLDER_HELP}; may be given several times`, collect, [])
    .option('--require <numbers>', REQUIRE_HELP)
    .option('--out <file>', 'the lock file', 'lock.json')
    .option(
      '--no-recovery',
      'make no recovery secret: without its keys the lock can then be opened on each server only',
    );
  proofOptions(init).action((options: InitOptions) => makeLock(context, options));
  lock
    .command('show')
    .description('the present lock, and how far each server has come')
    .option('--from <file>', FROM_HELP)
    .action((options: { from?: string }) => show(context, options));
  lock
    .command('log')
    .description('every change of the lock and who signed it, checked on this machine')
    .option('--from <file>', FROM_HELP)
    .action((options: { from?: string }) => log(context, options));
  lock
    .command('export')
    .description('the present lock as a file, for new servers to pin')
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--from <file>', FROM_HELP)
    .action((options: { out?: string; from?: string }) => exportLock(context, options));
  const restore = lock
    .command('restore')
    .description('hand a lock file to a control plane that lost its database')
    .argument('<file>', 'the newest lock file that you have');
  proofOptions(restore).action((file: string, options: ProofOptions) => restoreLock(context, file, options));
  lockChangeCommands(lock, context);
}

interface InitOptions extends ProofOptions {
  readonly holder: string[];
  readonly require?: string;
  readonly out: string;
  readonly recovery: boolean;
}

async function makeLock(context: CliContext, options: InitOptions): Promise<void> {
  const { call } = await signedIn(context);
  if (options.holder.length === 0) throw new UsageError('A lock needs a key.', 'Name at least one: --holder NAME=KEY');
  const secret = options.recovery ? context.ids.secret('clr_') : null;
  const state = await firstState(context, call, options, secret);
  const file = fileNamed(context, options.out);
  const proof = await readProof(context, options);
  await writeJsonFile(file, state);
  const handedIn = await handIn(context, call, { state, proof, file, secret });
  const { paint } = context.terminal;
  await answer(context, { state, file, recovery_secret: secret, handed_in: handedIn }, () => [
    `${paint('green', '✓')} ${file}`,
    ...stateLines(state),
    ...(secret === null ? [] : ['', ...secretLines(secret).map((line) => paint('bold', line))]),
    '',
    ...(handedIn ? [] : [paint('yellow', PASSKEY_FIRST), '']),
    'Nothing is locked yet. A server is locked when its owner pins this file there:',
    '  a new one      install.sh … --lock-keys FILE',
    '  one that runs  sudo /opt/countersign/current/bin/countersign-agent lock pin FILE',
  ]);
}

const PASSKEY_FIRST =
  'The control plane does not keep it yet: it wants your passkey, which answers in a browser only. Hand the file in on the page Lock of the dashboard.';

/** Has the control plane keep the lock. `false` when it wants a passkey, which a terminal has not: the file is good all the same. */
async function handIn(
  context: CliContext,
  call: Call,
  made: { readonly state: LockState; readonly proof: Proof; readonly file: string; readonly secret: string | null },
): Promise<boolean> {
  const { state, proof, file, secret } = made;
  try {
    await call('initLock', { state, proof });
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'proof_needed' && /passkey/.test(error.message)) return false;
    if (error instanceof Fault)
      await rm(file); // refused: nothing may pin it
    else if (secret !== null) context.terminal.note(`${file} may be in force. Its recovery secret: ${secret}`);
    throw error;
  }
}

const secretLines = (secret: string) => [
  'Recovery secret, shown this once. Write it down and keep it away from the control plane.',
  'Whoever has it can end the lock on every server, without any key:',
  `  ${secret}`,
];

async function firstState(
  context: CliContext,
  call: Call,
  { holder, require }: InitOptions,
  secret: string | null,
): Promise<LockState> {
  const keys = [];
  for (const text of holder) keys.push(await holderKey(context, call, text));
  const signatures = readRequiredOver(require);
  const passkeys = keys.some(({ key }) => key.startsWith('passkey:'));
  return checked({
    format: 'countersign-lock/1',
    chain: context.ids.id('lck'),
    number: 0,
    keys,
    signatures,
    party: passkeys ? await presentParty(call) : null,
    recovery: secret === null ? null : sha256(secret),
    disabled: false,
  });
}

const readRequiredOver = (text: string | undefined) => {
  const ones = lockSignaturesSchema.parse({});
  return text === undefined ? ones : readRequired(text, ones);
};

async function show(context: CliContext, { from }: { from?: string }): Promise<void> {
  const { call } = await signedIn(context);
  const lock = await followedLock(context, call, from);
  const { state, digest, servers } = lock;
  await answer(context, { state, digest, servers, changes: lock.steps.length, checked_from: lock.from }, () => [
    ...stateLines(state),
    '',
    ...serverLines(lock),
    '',
    checkedLine(lock),
  ]);
}

async function log(context: CliContext, { from }: { from?: string }): Promise<void> {
  const { call } = await signedIn(context);
  const lock = await followedLock(context, call, from);
  const changes = lock.steps.map(({ signed, after, holders, by }) => ({
    number: after.number,
    holders,
    by,
    ...signed,
  }));
  await answer(context, { first: lock.first, changes, digest: lock.digest, checked_from: lock.from }, () => [
    ...stateLines(lock.first),
    '',
    ...lock.steps.flatMap(stepLines),
    checkedLine(lock),
    `Present digest ${lock.digest}`,
  ]);
}

async function exportLock(context: CliContext, { out, from }: { out?: string; from?: string }): Promise<void> {
  const { call } = await signedIn(context);
  const { state, digest } = await followedLock(context, call, from);
  if (out === undefined) return context.terminal.write(`${JSON.stringify(state, null, 2)}\n`);
  const file = fileNamed(context, out);
  await writeJsonFile(file, state);
  await answer(context, { file, digest }, () => [`Written to ${file}, digest ${digest}.`]);
}

async function restoreLock(context: CliContext, name: string, options: ProofOptions): Promise<void> {
  const { call } = await signedIn(context);
  const state = await readLockFile(fileNamed(context, name));
  await call('initLock', { state, proof: await readProof(context, options) });
  await answer(context, { state }, () => ['The control plane knows this lock again:', ...stateLines(state)]);
}
