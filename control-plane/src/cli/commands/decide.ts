/** `approve`, `confirm`, `reject`: deciding on an action, with a signature where the server asks for one. */
import { type ApproverSignature, Fault, fault } from '@countersign/protocol';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import type { ActionDetail, Call } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { actionLines } from '../action-lines.ts';
import { answer } from '../answer.ts';
import { type Signer, type SignerOptions, signerOf, signerOptions } from '../approver-keys/signer.ts';
import { checkedAgainstPlan } from '../checked-plan.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';

export function decidingCommands(program: Command, context: CliContext): void {
  const approveCommand = program
    .command('approve')
    .description('show the plan of an action as this machine reads it, and approve it')
    .argument('<id>', 'of the action: act_…')
    .option('--yes', 'do not ask; needs --digest')
    .option('--code <digits>', 'present code of your authenticator app; makes the approval stronger')
    .option('--server <name>', 'name of the server, typed by hand: asked for at high risk')
    .option('--digest <digest>', 'approve only the plan with this digest; its first 8 digits are enough');
  signerOptions(approveCommand).action((id: string, options: ApproveOptions) => approve(context, id, options));
  const confirmCommand = program
    .command('confirm')
    .description('confirm that a server can still be reached, so that it does not take a change back')
    .argument('<id>', 'of the action: act_…');
  signerOptions(confirmCommand).action((id: string, options: SignerOptions) => confirm(context, id, options));
  program
    .command('reject')
    .description('reject an action')
    .argument('<id>', 'of the action: act_…')
    .option('--reason <words>', 'why; the assistant reads it')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const { call } = await signedIn(context);
      const { digest } = await call('getAction', { action: id });
      const detail = await call('rejectAction', { action: id, digest, ...(reason === undefined ? {} : { reason }) });
      await answer(context, detail, () => [`Rejected: ${detail.title}.`]);
    });
}

interface ApproveOptions extends SignerOptions {
  readonly yes?: boolean;
  readonly code?: string;
  readonly server?: string;
  readonly digest?: string;
}

async function approve(context: CliContext, id: string, options: ApproveOptions): Promise<void> {
  const { call } = await signedIn(context);
  const wanted = wantedDigest(options);
  const detail = checkedAgainstPlan(await call('getAction', { action: id }), id);
  if (wanted !== null && !detail.digest.startsWith(wanted)) throw fault('digest_mismatch', { action: id });
  if (!context.options().json) for (const line of actionLines(detail, context)) context.terminal.say(line);
  const open = detail.state === 'awaiting_approval';
  if (open) needKey(detail, options);
  const typed = options.server ?? (open ? await askYes(context, detail, options) : undefined);
  const signature = open ? await signatureOver(context, detail, options, detail.digest) : undefined;
  const done = await send(context, call, detail, { code: options.code, typed, signature });
  await answer(context, done, () => ['', `${context.terminal.paint('green', '✓')} ${done.title}: ${done.status}`]);
}

/** The digest, or a beginning of it, that the person compared. A key signs nothing that nobody can have looked at. */
function wantedDigest({ yes, digest, key, sshAgent }: ApproveOptions): string | null {
  if (digest !== undefined && !/^[0-9a-f]{8,64}$/.test(digest))
    throw new UsageError(`"${digest}" is no digest.`, 'Give at least its first 8 hex digits, the fingerprint.');
  if (yes && digest === undefined && (key !== undefined || sshAgent !== undefined))
    throw new UsageError(
      'With --yes nobody looks at the plan any more.',
      'Look first: countersign show ID. Then name what you saw: --yes --digest FINGERPRINT',
    );
  return digest ?? null;
}

/** A locked server counts signatures only: say so before anything is asked. */
function needKey({ lock, server }: ActionDetail, { key, sshAgent }: SignerOptions): void {
  if (lock !== null && key === undefined && sshAgent === undefined)
    throw fault('signature_needed', { server: server.name });
}

async function signatureOver(
  context: CliContext,
  { lock }: ActionDetail,
  options: SignerOptions,
  digest: string,
): Promise<ApproverSignature | undefined> {
  const counting = lock?.state.keys.map(({ key }) => key) ?? null;
  const signer: Signer | null = await signerOf(context, options, counting);
  return signer?.sign(digest);
}

/** Asks y/N; at high risk for the server's name instead, so that no finger decides by habit. Returns what was typed. */
async function askYes(
  { terminal }: CliContext,
  detail: ActionDetail,
  { yes, code, key, sshAgent }: ApproveOptions,
): Promise<string | undefined> {
  if (yes) return undefined;
  const instead =
    'Look at it with `countersign show ID`, then decide with --yes --digest FINGERPRINT; at high risk add --server NAME.';
  const strong = code !== undefined || key !== undefined || sshAgent !== undefined;
  if (strong || detail.risk === 'low' || detail.risk === 'medium') {
    const said = await terminal.ask(`\nApprove ${detail.fingerprint}? [y/N] `, instead);
    if (!/^y(es)?$/i.test(said))
      throw new UsageError('Not approved.', 'Nothing was decided; reject it with `countersign reject ID`.');
    return undefined;
  }
  return terminal.ask(`\nRisk is ${detail.risk}. Type the server's name to approve ${detail.fingerprint}: `, instead);
}

interface Evidence {
  readonly code: string | undefined;
  readonly typed: string | undefined;
  readonly signature: ApproverSignature | undefined;
}

async function send(
  { terminal }: CliContext,
  call: Call,
  { id: action, digest }: ActionDetail,
  { code, typed, signature }: Evidence,
): Promise<ActionDetail> {
  const attempt = (present: string | undefined) =>
    call('approveAction', {
      ...{ action, digest },
      ...(present === undefined ? {} : { code: present }),
      ...(typed === undefined ? {} : { typed_server: typed }),
      ...(signature === undefined ? {} : { signature }),
    });
  try {
    return await attempt(code);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'code_required') throw error;
    return attempt(await terminal.ask('Code of your authenticator app: ', 'Send it: --code 123456'));
  }
}

async function confirm(context: CliContext, id: string, options: SignerOptions): Promise<void> {
  const { call } = await signedIn(context);
  const detail = checkedAgainstPlan(await call('getAction', { action: id }), id);
  if (detail.confirm_by === null) throw fault('nothing_to_confirm', { action: id, state: detail.state });
  needKey(detail, options);
  const signature = await signatureOver(context, detail, options, confirmationDigest(id, detail.digest));
  const done = await call('confirmAction', { action: id, ...(signature === undefined ? {} : { signature }) });
  await answer(context, done, () => [`${context.terminal.paint('green', '✓')} ${done.title}: ${done.status}`]);
}
