/** The whole control plane in this process, on a real socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { quickPasswords } from '../../../test/world/quick-passwords.ts';
import { makeSetupSecret } from '../../src/access/set-up.ts';
import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/config.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Starts it, with an owner. It ends with the test. `env` adds to the configuration. */
export async function product(context: TestContext, env: Readonly<Record<string, string>> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-may-'));
  const running = await compose(
    loadConfig({ COUNTERSIGN_PORT: '0', COUNTERSIGN_DATA: dataDir, COUNTERSIGN_LOCAL_AGENT: 'off', ...env }),
    { log, requestsPerMinute: 100_000, passwordCost: quickPasswords },
  );
  context.after(async () => {
    await running[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true });
  });
  const as = (bearer?: string) => operatorClient({ base: running.localUrl, fetch, ...(bearer && { bearer }) });
  const { secret } = await makeSetupSecret(running.access);
  const password = 'correct horse battery';
  const ada = await as()('setUp', { secret, email: 'ada@example.org', name: 'Ada', password, cli: true });
  const owner = as(ada.session ?? '');
  const joins = async (role: 'viewer' | 'approver') => {
    const { link } = await owner('invitePerson', { email: `${role}@example.org`, name: role, role });
    const invitation = link.split('#')[1] ?? '';
    return (await as()('acceptInvitation', { secret: invitation, password, cli: true })).session ?? '';
  };
  return { running, url: running.localUrl, as, ada: ada.session ?? '', owner, password, joins };
}
