/** The store of this machine's data folder, for the commands that work without a running control plane. */
import { join } from 'node:path';
import type { AccessCore } from '../access/access.ts';
import { attempts } from '../access/attempts.ts';
import { passwords } from '../access/passwords.ts';
import type { Config } from '../config/config.ts';
import { loadSecrets, type Secrets } from '../config/secrets.ts';
import { openDatabase } from '../storage/database.ts';
import { type CliContext, configOf } from './connection.ts';

export const databaseFile = (config: Pick<Config, 'dataDir'>) => join(config.dataDir, 'countersign.db');

export interface OpenStore extends AsyncDisposable {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly access: AccessCore;
}

/** Opens it. Several processes may: each write is one transaction that takes the lock of the database first. */
export async function openStore(context: CliContext): Promise<OpenStore> {
  const { clock, ids, terminal } = context;
  const config = configOf(context);
  const secrets = await loadSecrets(config, { clock, ids });
  const db = await openDatabase({ path: databaseFile(config) });
  const log = { info: () => undefined, warn: terminal.note, error: terminal.note };
  const access: AccessCore = {
    ...{ db, clock, ids, log, sealKey: secrets.sealKey, attempts: attempts(clock) },
    passwords: passwords(ids),
    accessEnded: () => undefined, // a running control plane finds out by itself, within seconds
  };
  return { config, secrets, access, [Symbol.asyncDispose]: () => db.destroy() };
}
