/** `panic`, `resume`: no change anywhere, and letting changes happen again. */
import type { Command } from 'commander';
import { answer } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { type ProofOptions, proofOptions, readProof } from '../proof.ts';

export function pauseCommands(program: Command, context: CliContext): void {
  program
    .command('panic')
    .description('pause all changes on all servers at once; reading goes on')
    .option('--reason <words>', 'why')
    .option('--stop-running', 'stop what runs already, too')
    .action((options: { reason?: string; stopRunning?: boolean }) => panic(context, options));
  proofOptions(program.command('resume').description('let changes happen again')).action((options: ProofOptions) =>
    resume(context, options),
  );
}

async function panic(context: CliContext, { reason, stopRunning }: { reason?: string; stopRunning?: boolean }) {
  const { call } = await signedIn(context);
  const done = await call('pauseDispatch', {
    stop_running: stopRunning ?? false,
    ...(reason === undefined ? {} : { reason }),
  });
  await answer(context, done, () => [
    context.terminal.paint('red', `All changes are paused since ${done.pause.since}, by ${done.pause.by.name}.`),
    stopRunning
      ? `${done.stopping} running actions were asked to stop.`
      : 'What runs already goes on; --stop-running stops it, too.',
    `An owner lets changes happen again: ${context.typed} resume`,
  ]);
}

async function resume(context: CliContext, options: ProofOptions): Promise<void> {
  const { call } = await signedIn(context);
  const done = await call('resumeDispatch', { proof: await readProof(context, options) });
  await answer(context, done, () => ['Changes happen again.']);
}
