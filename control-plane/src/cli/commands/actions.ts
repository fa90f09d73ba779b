/** `pending`, `show`, `ask`: what waits for a decision, and asking for it. */
import { escapeDeceptive, stripControl } from '@countersign/protocol';
import type { Diagnosis } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { actionLines } from '../action-lines.ts';
import { answer, shortTime } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { columns } from '../terminal.ts';
import { decidingCommands } from './decide.ts';

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
  const found = diagnosis.findings.flatMap(({ severity, title, together }) => [
    [severity, escapeDeceptive(title)],
    ...(together?.parts ?? []).map((part) => ['', `- ${escapeDeceptive(part.title)}`]),
  ]);
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
