/** `mcp`: the MCP server on standard input and output, for clients that start it as a process. */
import type { Command } from 'commander';
import { type CliContext, targetOf } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';

export function mcpCommand(program: Command, context: CliContext): void {
  program
    .command('mcp')
    .description('serve MCP on standard input and output; takes a token from COUNTERSIGN_TOKEN')
    .action(async () => {
      const { env, clock, ids, version, terminal } = context;
      const token = env.COUNTERSIGN_TOKEN;
      // The session of a person decides; an assistant must never get it.
      if (token === undefined)
        throw new UsageError(
          'COUNTERSIGN_TOKEN is not set.',
          'Make a token: countersign token create --name "Claude Code"',
        );
      const streams = { input: process.stdin, output: process.stdout };
      const { url, fetch } = await targetOf(context);
      const { runStdio } = await import('@countersign/mcp-server/stdio'); // brings the MCP SDK: only when asked for
      await runStdio({ url, token, version, clock, ids, fetch, log: terminal.note, ...streams });
    });
}
