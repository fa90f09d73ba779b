/** The command line, put together. `countersign --help` is its documentation. */
import { Command } from 'commander';
import { actionCommands } from './commands/actions.ts';
import { auditCommands } from './commands/audit.ts';
import { backupCommand } from './commands/backup.ts';
import { doctorCommand } from './commands/doctor.ts';
import { keyCommands } from './commands/keys.ts';
import { lockCommands } from './commands/lock.ts';
import { mcpCommand } from './commands/mcp.ts';
import { pauseCommands } from './commands/pause.ts';
import { peopleCommands } from './commands/people.ts';
import { playbookCommands } from './commands/playbooks.ts';
import { policyCommands } from './commands/policy.ts';
import { serverCommands } from './commands/servers.ts';
import { setupCommands } from './commands/setup.ts';
import { telegramCommands } from './commands/telegram.ts';
import { tokenCommands } from './commands/tokens.ts';
import type { CliContext } from './connection.ts';
import { exitCodes, explain } from './exit-codes.ts';
import { inTypedWords } from './typed-words.ts';

const epilogue = (typed: string) => `
Exit codes: 0 done · 1 refused or failed · 2 typed wrongly · 3 the control plane does not answer · 4 not signed in ·
5 an audit log does not verify, or contradicts what a server keeps. With --json the result, or the error, is one JSON value on standard output.

First steps: npm start · ${typed} setup --email you@example.org · ${typed} token create --name "Claude Code"`;

/** Runs one command. Returns the exit code; everything that goes wrong is said in words, never as a stack. */
export async function run(argv: readonly string[], base: Omit<CliContext, 'options' | 'exit'>): Promise<number> {
  let code: number = exitCodes.done;
  const program = new Command('countersign');
  const context: CliContext = {
    ...base,
    options: () => ({ json: false, ...program.opts<{ json?: boolean; url?: string; pin?: string }>() }),
    exit: (wanted) => {
      code = wanted;
    },
  };
  program
    .description('Sees, asks, approves: the command line of Countersign.')
    .version(base.version)
    .option('--json', 'print JSON, for scripts')
    .option('--url <url>', 'the control plane to talk to; by default the one of this machine’s data folder')
    .option('--pin <pin>', 'public key to trust, where its certificate is home-made: sha256//…')
    .addHelpText('after', epilogue(base.typed))
    .showHelpAfterError(`(${base.typed} --help says more)`)
    .configureOutput({
      writeOut: (text) => void base.terminal.write(text),
      writeErr: (text) => base.terminal.note(text.trimEnd()),
    });
  for (const add of [
    setupCommands,
    tokenCommands,
    serverCommands,
    actionCommands,
    auditCommands,
    keyCommands,
    lockCommands,
    pauseCommands,
    peopleCommands,
    playbookCommands,
    policyCommands,
    telegramCommands,
    doctorCommand,
    backupCommand,
    mcpCommand,
  ])
    add(program, context);
  settle(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    return tell(error, context, program);
  }
}

/** Typing errors are thrown to us, so that they end like every other error; commands inherit that only when told. */
function settle(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) {
    below.copyInheritedSettings(command);
    settle(below);
  }
}

async function tell(error: unknown, { terminal, options, typed }: CliContext, program: Command): Promise<number> {
  const { code, name, ...said } = explain(error);
  const verbs = program.commands.map((it) => it.name());
  const here = (text: string) => inTypedWords(text, { typed, verbs });
  const [message, next] = [here(said.message), here(said.next)];
  if (message === '') return code; // commander has said it already
  if (options().json)
    await terminal.write(`${JSON.stringify({ error: { code: name, message, next_step: next } }, null, 2)}\n`);
  else {
    terminal.note(`${terminal.paint('red', '✗')} ${message}`);
    if (next !== '') terminal.note(`  ${next}`);
  }
  return code;
}
