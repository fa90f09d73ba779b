/** `pending`, `show`, `approve`, `reject`, `ask`: what waits for a decision, and deciding on it. */
import { escapeDeceptive, Fault, fault, stripControl } from '@countersign/protocol';
import type { ActionDetail, Call, Diagnosis } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { actionLines } from '../action-lines.ts';
import { answer, shortTime } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { columns } from '../terminal.ts';

export function actionCommands(program: Command, context: CliContext): void {
  lookingCommands(program, context);
  decidingCommands(program, context);
  program
    .command('ask')
    .description('ask for a playbook to be run on a server')
    .argument('<server>', 'id or name')
    .argument('<playbook>', 'such as service.restart')
    .option('-p, --parameter <name=value>', 'may be given several times; JSON, or plain text', collect, [])
    .option('--reason <words>', 'why')
    .action((server: string, playbook: string, options: AskOptions) => ask(context, server, playbook, options));
}

function lookingCommands(program: Command, context: CliContext): void {
  program
    .command('pending')
    .description('what waits for a decision')
    .action(() => listPending(context));
  program
    .command('show')
    .description('one action: what exactly would be done, who asked, what became of it')
    .argument('<id>', 'of the action: act_…')
    .action(async (id: string) => {
      const { call } = await signedIn(context);
      const detail = await call('getAction', { action: id });
      const output = stripControl(detail.untrusted_output).split('\n');
      await answer(context, detail, () => [
        ...actionLines(detail, context),
        ...(detail.untrusted_output === '' ? [] : ['', 'Output', ...output.map((it) => `  ${it}`)]),
      ]);
    });
}

function decidingCommands(program: Command, context: CliContext): void {
  program
    .command('approve')
    .description('show the plan of an action, and approve it')
    .argument('<id>', 'of the action: act_…')
    .option('--yes', 'do not ask')
    .option('--code <digits>', 'present code of your authenticator app; makes the approval stronger')
    .option('--server <name>', 'name of the server, typed by hand: asked for at high risk')
    .option('--digest <digest>', 'approve only if the plan still has this digest')
    .action((id: string, options: ApproveOptions) => approve(context, id, options));
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

const collect = (value: string, before: string[]) => [...before, value];

async function listPending(context: CliContext): Promise<void> {
  const { call } = await signedIn(context);
  const { actions } = await call('listActions', { state: 'awaiting_approval', limit: 100 });
  await answer(context, { actions }, () =>
    actions.length === 0
      ? ['Nothing waits for a decision.']
      : columns([
          ['ID', 'RISK', 'EXPIRES', 'ASKED BY', 'WHAT'],
          ...actions.map((it) => [
            it.id,
            it.risk,
            shortTime(it.expires_at, context.clock.now()),
            it.requested_by.token?.name ?? it.requested_by.person.name,
            it.title,
          ]),
        ]),
  );
}

interface ApproveOptions {
  readonly yes?: boolean;
  readonly code?: string;
  readonly server?: string;
  readonly digest?: string;
}

async function approve(context: CliContext, id: string, options: ApproveOptions): Promise<void> {
  const { call } = await signedIn(context);
  const detail = await call('getAction', { action: id });
  if (options.digest !== undefined && options.digest !== detail.digest) throw fault('digest_mismatch', { action: id });
  if (!context.options().json) for (const line of actionLines(detail, context)) context.terminal.say(line);
  const typed = options.server ?? (await confirm(context, detail, options));
  const done = await decide(context, call, detail, { code: options.code, typed });
  await answer(context, done, () => ['', `${context.terminal.paint('green', '✓')} ${done.title}: ${done.status}`]);
}

/** Asks y/N; at high risk for the server's name instead, so that no finger decides by habit. Returns what was typed. */
async function confirm(
  { terminal }: CliContext,
  detail: ActionDetail,
  { yes, code }: ApproveOptions,
): Promise<string | undefined> {
  if (yes || detail.state !== 'awaiting_approval') return undefined;
  const instead = 'Decide with --yes, after you read `countersign show`; at high risk add --server NAME.';
  if (code !== undefined || detail.risk === 'low' || detail.risk === 'medium') {
    const said = await terminal.ask(`\nApprove ${detail.fingerprint}? [y/N] `, instead);
    if (!/^y(es)?$/i.test(said))
      throw new UsageError('Not approved.', 'Nothing was decided; reject it with `countersign reject`.');
    return undefined;
  }
  return terminal.ask(`\nRisk is ${detail.risk}. Type the server's name to approve ${detail.fingerprint}: `, instead);
}

async function decide(
  { terminal }: CliContext,
  call: Call,
  { id: action, digest }: ActionDetail,
  { code, typed }: { code: string | undefined; typed: string | undefined },
): Promise<ActionDetail> {
  const send = (present: string | undefined) =>
    call('approveAction', {
      ...{ action, digest },
      ...(present === undefined ? {} : { code: present }),
      ...(typed === undefined ? {} : { typed_server: typed }),
    });
  try {
    return await send(code);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'code_required') throw error;
    return send(await terminal.ask('Code of your authenticator app: ', 'Send it: --code 123456'));
  }
}

interface AskOptions {
  readonly parameter: string[];
  readonly reason?: string;
}

async function ask(context: CliContext, server: string, playbook: string, options: AskOptions): Promise<void> {
  const { call, at } = await signedIn(context);
  const parameters = Object.fromEntries(options.parameter.map(readParameter));
  const made = await call('runPlaybook', {
    ...{ server, playbook, parameters },
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });
  await answer(context, made, () => {
    if (made.action === null) return diagnosisLines(made.diagnosis);
    return [...actionLines(made.action, context), '', `${made.action.status}`, `${at.url}/actions/${made.action.id}`];
  });
}

function diagnosisLines(diagnosis: Diagnosis | null): string[] {
  if (diagnosis === null) return [];
  const found = diagnosis.findings.map(({ severity, title }) => [severity, escapeDeceptive(title)]);
  const failed = diagnosis.diagnostics.flatMap((it) =>
    it.error ? [['not read', `${it.diagnostic}: ${it.error.message}`]] : [],
  );
  return columns([...found, ...failed]);
}

function readParameter(text: string): [string, never] {
  const [name, ...rest] = text.split('=');
  if (!name || rest.length === 0)
    throw new UsageError(`"${text}" is no parameter.`, 'Write -p name=value, for example -p unit=nginx.');
  const value = rest.join('=');
  try {
    return [name, JSON.parse(value) as never];
  } catch (error) {
    if (error instanceof SyntaxError) return [name, value as never];
    throw error;
  }
}
