/** Two sides that need not believe the control plane: holders who change the lock, and servers that remember the log. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signDigest } from '@countersign/protocol/approver-signature';
import { changeDigest } from '@countersign/protocol/follow-lock';
import { type LockState, signedLockChangeSchema } from '@countersign/protocol/lock';
import { makeSigningKey } from '@countersign/protocol/signing';
import type { Page } from 'playwright-core';
import { browserTest } from '../world/browser.ts';
import { eventually } from '../world/eventually.ts';
import { serverOnline } from '../world/install-agent.ts';
import { type LocalAgent, startLocalAgent } from '../world/local-agent.ts';
import type { World } from '../world/world.ts';
import { giveAuthenticator } from './authenticator.ts';
import { aroundTests } from './dashboard.ts';
import { forgive, mustBeSound } from './pages.ts';

let world: World;
let agent: LocalAgent;
let folder: string;
/** The owner's window, with a passkey in its authenticator. */
let page: Page;
/** The other holder signs on the command line, with a key of their own. */
const bo = makeSigningKey();

const { blank } = aroundTests(async (dashboard, later) => {
  ({ world } = dashboard);
  folder = await mkdtemp(join(tmpdir(), 'countersign-lock-'));
  later.defer(() => rm(folder, { recursive: true, force: true }));
  page = await blank();
  await giveAuthenticator(page);
  await page.goto(`${world.url}/account`);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('textbox', { name: 'Your password' }).fill(world.password);
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await page.getByRole('list', { name: 'Passkeys' }).waitFor();
  await bringLock(await makeLock());
  later.use(agent);
});

/** A lock of two holders, both of whom must sign its changes. */
async function makeLock(): Promise<LockState> {
  const { passkeys, party } = await world.owner('listPasskeys', {});
  return {
    format: 'countersign-lock/1',
    chain: 'lck_0browsertst1',
    number: 0,
    keys: [...passkeys.map(({ key }) => ({ key, holder: 'Ada' })), { key: bo.publicKey, holder: 'Bo' }],
    signatures: { low: 1, medium: 1, high: 1, critical: 1, change: 2 },
    party,
    recovery: null,
    disabled: false,
  };
}

async function bringLock(lock: LockState): Promise<void> {
  const file = join(folder, 'lock.json');
  await writeFile(file, JSON.stringify(lock));
  await page.goto(`${world.url}/lock`);
  await page.getByLabel('A lock file').setInputFiles(file);
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByText('number 0 of chain').waitFor();
  agent = await startLocalAgent(world, 'web-1', { policy: `mode: act\nlock: ${JSON.stringify(lock)}\n` });
}

/** Stops the control plane and starts it again; the page's complaints about that are no defect. */
async function restart(meanwhile: () => Promise<void>): Promise<void> {
  await page.goto('about:blank');
  await world.restart('SIGTERM', meanwhile);
  await serverOnline(world, agent.serverId);
  forgive(page);
}

browserTest(
  'when two holders must sign a change of the lock, it goes from one to the other and then to the servers',
  async () => {
    await page.goto(`${world.url}/lock`);
    await page.getByText('has state 0').waitFor();
    await mustBeSound(page, 'lock');
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByLabel('Critical risk').selectOption({ label: '2 of 2' });
    await mustBeSound(page, 'numbers of signatures');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('0 of 2 needed').waitFor();
    await mustBeSound(page, 'a change to sign');
    await page.getByRole('button', { name: 'Sign with passkey' }).click();
    await page.getByText('You have signed it.').waitFor();
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const half = await (await downloading).path();
    await page.getByRole('button', { name: 'Close' }).last().click();

    const read = signedLockChangeSchema.parse(JSON.parse(await readFile(half, 'utf8')));
    const signature = signDigest(changeDigest(read.change), bo.seed);
    const whole = join(folder, 'whole.json');
    await writeFile(
      whole,
      JSON.stringify({ ...read, signatures: [...read.signatures, { kind: 'ed25519', key: bo.publicKey, signature }] }),
    );
    await page.getByLabel('A change of the lock').setInputFiles(whole);
    await page.getByText('Signed by Ada and Bo: 2 of 2 needed.').waitFor();
    await mustBeSound(page, 'a change that all have signed');
    await page.getByRole('button', { name: 'Send to the servers' }).click();
    await page.getByText('number 1 of chain').waitFor();
    await page.getByText('has state 1').waitFor();
    await page.getByText('Signed by Ada and Bo; brought by Ada').waitFor();
    await mustBeSound(page, 'lock with a change');
    await page.getByLabel('A change of the lock').setInputFiles(whole);
    await page.getByText('This change was made for another state of the lock.').waitFor();

    await page.goto(`${world.url}/servers/web-1`);
    await page.getByText('Whom it believes').waitFor();
    await page.getByText('Who must sign, and their keys').click();
    await page
      .getByText(/SHA256:/)
      .first()
      .waitFor();
    await mustBeSound(page, 'locked server');
  },
);

browserTest('when a rule asks for a passkey before a token is made, the page asks for it and goes on', async () => {
  await page.goto(`${world.url}/policy`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const rules = page.getByRole('textbox', { name: 'Rules' });
  const rule = '  - name: tokens\n    when: { change: [token] }\n    ask: { strength: passkey }\n';
  await rules.fill(`${await rules.inputValue()}\nadministration:\n${rule}`);
  await page.getByRole('button', { name: 'Look at the difference' }).click();
  await page.getByRole('button', { name: 'Change the rules' }).click();
  await page.getByText(/^Done:/).waitFor();
  await page.goto(`${world.url}/tokens`);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByLabel('Name').fill('proved');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('This takes a fresh proof that it is you').waitFor();
  await page.getByText('Your browser asks for the passkey next').waitFor();
  await mustBeSound(page, 'a token that takes a proof');
  await page.getByRole('button', { name: 'Make it' }).last().click();
  await page.getByRole('region', { name: 'Token', exact: true }).waitFor();
});

browserTest(
  'T22: when the database is an older copy, the servers contradict it, and only an owner accepts the loss',
  async () => {
    const store = join(world.dataDir, 'countersign.db');
    const older = join(folder, 'older.db');
    await restart(() => copyFile(store, older));
    await page.goto(`${world.url}/audit`);
    await page.getByRole('button', { name: 'Check against servers' }).click();
    await page.getByText('1 of 1 servers agree').waitFor();
    await mustBeSound(page, 'servers that agree');
    for (const name of ['a', 'b', 'c']) await world.owner('createToken', { name, scope: 'read' });
    const { entries } = await world.owner('verifyAudit', {});
    await restart(async () => undefined);
    await eventually('the server to keep the newer entries', async () => {
      const { witness } = await world.owner('getServerStatus', { server: agent.serverId });
      return witness !== null && witness.size >= entries;
    });
    await restart(() => copyFile(older, store));
    await page.goto(`${world.url}/servers/web-1`);
    await page.getByText('remembers another audit log').waitFor();
    await mustBeSound(page, 'a server that contradicts');
    await page.goto(`${world.url}/audit`);
    await page.getByRole('button', { name: 'Check against servers' }).click();
    await page.getByText('Contradicts', { exact: true }).waitFor();
    await mustBeSound(page, 'log that a server contradicts');
    await page.getByRole('button', { name: 'Accept the loss…' }).click();
    await page.getByLabel('Why').fill('The disk broke; this is yesterday’s backup.');
    await mustBeSound(page, 'accepting a loss');
    await page.getByRole('button', { name: 'Accept the loss', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.goto(`${world.url}/audit?event=ledger.rollback_accepted`);
    await page.getByRole('list', { name: 'Audit entries' }).waitFor();
  },
);
