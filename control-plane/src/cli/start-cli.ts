/** Hands the process's own streams and environment to the command line. */
import { systemIds } from '@countersign/protocol/system-ids';
import { readEnv } from '../config/env.ts';
import { armFailPoint } from '../fail-points.ts';
import { version } from '../version.ts';
import { waitingClock } from './clock.ts';
import { run } from './program.ts';
import { terminal } from './terminal.ts';
import { folderOf, typedWords } from './typed-words.ts';

/** Runs it as this process, whose exit code it sets. */
export async function startCli(): Promise<void> {
  const env = readEnv();
  armFailPoint(env.COUNTERSIGN_FAIL_POINT);
  const { stdin, stdout, stderr } = process;
  // Whoever reads may stop early (`… | head`): then there is nobody left to tell.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const colour = env.NO_COLOR === undefined && stdout.isTTY === true;

  process.exitCode = await run(process.argv.slice(2), {
    env,
    clock: waitingClock,
    ids: systemIds,
    version,
    folder: folderOf({ cwd: process.cwd(), env }),
    typed: typedWords({ cwd: process.cwd(), program: process.argv[1] ?? '', env }),
    terminal: terminal({ input: stdin, output: stdout, errors: stderr }, { colour }),
  });
}
