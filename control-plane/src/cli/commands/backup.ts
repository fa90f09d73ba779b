/** `backup`: a copy of the database that is whole, taken while everything runs. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isoTime } from '@countersign/protocol';
import type { Command } from 'commander';
import { backUpDatabase } from '../../storage/database-backup.ts';
import { answer } from '../answer.ts';
import { type CliContext, configOf, fileNamed } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { databaseFile } from '../store.ts';

export function backupCommand(program: Command, context: CliContext): void {
  program
    .command('backup')
    .description('copy the database of this machine’s data folder, also while the control plane runs')
    .argument('[file]', 'where to; by default a file in <data>/backups')
    .action(async (file: string | undefined) => {
      const config = configOf(context);
      const from = databaseFile(config);
      if (!existsSync(from))
        throw new UsageError(`There is no database at ${from}.`, 'Set COUNTERSIGN_DATA to the data folder.');
      const stamp = isoTime(context.clock.now()).slice(0, 19).replaceAll(':', '');
      const to =
        file === undefined ? join(config.dataDir, 'backups', `countersign-${stamp}.db`) : fileNamed(context, file);
      if (existsSync(to)) throw new UsageError(`${to} is there already.`, 'Name another file.');
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      const { bytes } = await backUpDatabase(from, to);
      const keys = join(config.dataDir, 'keys');
      await answer(context, { file: to, bytes, keys_not_included: keys }, () => [
        `${context.terminal.paint('green', '✓')} ${to} (${(bytes / 1024 / 1024).toFixed(1)} MiB)`,
        `  The keys in ${keys} are not in it. Keep a copy of them in another place: without them agents do not`,
        '  recognise a restored control plane, and with both a thief has everything.',
      ]);
    });
}
