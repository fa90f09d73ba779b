/** `token create|list|revoke`: what assistants sign in with. */
import type { Command } from 'commander';
import { answer, shortTime } from '../answer.ts';
import { connectLines } from '../connect-lines.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { type ProofOptions, proofOptions, provenIfAsked } from '../proof.ts';
import { columns } from '../terminal.ts';

export function tokenCommands(program: Command, context: CliContext): void {
  const token = program.command('token').description('tokens of assistants');
  const create = token
    .command('create')
    .description('make a token; it can read and ask, never decide')
    .requiredOption('--name <name>', 'what it is for, such as "Claude Code on my laptop"')
    .option('--scope <scope>', 'read, or request (read and ask for changes)', 'request')
    .option('--days <n>', 'end it after so many days');
  proofOptions(create).action((options: TokenOptions) => createToken(context, options));
  token
    .command('list')
    .description('the tokens that are not ended')
    .action(async () => {
      const { call } = await signedIn(context);
      const { tokens } = await call('listTokens', {});
      await answer(context, { tokens }, () =>
        tokens.length === 0
          ? [`No tokens yet. Make one: ${context.typed} token create --name "Claude Code"`]
          : columns([
              ['ID', 'SCOPE', 'LAST USED', 'NAME'],
              ...tokens.map((it) => [it.id, it.scope, shortTime(it.last_used_at, context.clock.now()), it.name]),
            ]),
      );
    });
  token
    .command('revoke')
    .description('end a token')
    .argument('<id>', 'of the token: tok_…')
    .action(async (id: string) => {
      const { call } = await signedIn(context);
      await call('revokeToken', { token: id });
      await answer(context, { done: true }, () => [`Ended ${id}.`]);
    });
}

interface TokenOptions extends ProofOptions {
  readonly name: string;
  readonly scope: string;
  readonly days?: string;
}

async function createToken(context: CliContext, options: TokenOptions): Promise<void> {
  const { name, scope, days } = options;
  if (scope !== 'read' && scope !== 'request')
    throw new UsageError(`There is no scope ${scope}.`, 'Use --scope read or --scope request.');
  const { call } = await signedIn(context);
  const made = await provenIfAsked(context, options, (proof) =>
    call('createToken', { name, scope, ...(days === undefined ? {} : { days: Number(days) }), ...proof }),
  );
  const connect = await call('getConnect', {});
  await answer(context, { ...made, mcp_url: connect.mcp_url, stdio_command: connect.stdio_command }, () => [
    `${context.terminal.paint('bold', made.secret)}`,
    `It is shown this once. It can read${scope === 'request' ? ' and ask for changes' : ''}; it can never decide.`,
    '',
    ...connectLines({ mcpUrl: connect.mcp_url, token: made.secret }),
  ]);
}
