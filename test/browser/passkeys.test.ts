/** Passkeys, by a real authenticator in Chromium: made at setup and in the account, used to sign in, to prove and to approve. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LockState } from '@countersign/protocol/lock';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { Page } from 'playwright-core';
import { browserTest } from '../world/browser.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import type { World } from '../world/world.ts';
import { type Authenticator, giveAuthenticator, type Passkey } from './authenticator.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, desk, type Look, mustBeSound, phone } from './pages.ts';

let world: World;
let folder: string;
let assistant: Call;
/** The owner's passkey as it was after its last use: one with an older counter would pass for a copy. */
let passkeys: readonly Passkey[];

const { blank } = aroundTests(async (dashboard, later) => {
  ({ world } = dashboard);
  folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign-passkeys-')));
  later.defer(() => rm(folder, { recursive: true, force: true }));
  assistant = world.as(await world.token());
  const opening = startLocalAgent(world, 'open-1', { policy: policyOf() }).then((agent) => later.use(agent));
  await Promise.all([makeFirstPasskey(), opening]);
  later.use(await startLocalAgent(world, 'locked-1', { policy: policyOf(await makeLock()) }));
});

const policyOf = (lock?: LockState) =>
  [
    'mode: act',
    'max_risk: critical',
    'commands: true',
    'lockout: [ssh]',
    `read_roots: [${folder}]`,
    `write_roots: [${folder}]`,
    ...(lock ? [`lock: ${JSON.stringify(lock)}`] : []),
  ].join('\n');

/** A signed-in page with the owner's passkey in its authenticator. */
async function visit(path: string, look: Look = desk, own = passkeys): Promise<{ page: Page; device: Authenticator }> {
  const page = await blank(look);
  const device = await giveAuthenticator(page, own);
  await page.goto(world.url + path);
  return { page, device };
}

/** Closes the window; the passkey goes on to the next one. */
async function leave({ page, device }: { page: Page; device: Authenticator }): Promise<void> {
  passkeys = await device.passkeys();
  await closeWindow(page);
}

/** In the account, as a person does it. */
async function makeFirstPasskey(): Promise<void> {
  const { page, device } = await visit('/account', desk, []);
  await page.getByText('You have none yet.').waitFor();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByLabel('Name of the passkey').fill('Ada’s phone');
  await page.getByRole('textbox', { name: 'Your password' }).fill(world.password);
  await mustBeSound(page, 'adding a passkey');
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await page.getByRole('list', { name: 'Passkeys' }).getByText('Ada’s phone').waitFor();
  await mustBeSound(page, 'account with a passkey');
  await leave({ page, device });
}

/** A lock that asks for the owner's passkey, brought here on its page with a proof by that passkey. */
async function makeLock(): Promise<LockState> {
  const { passkeys: own, party } = await world.owner('listPasskeys', {});
  const lock: LockState = {
    format: 'countersign-lock/1',
    chain: 'lck_0browsertst0',
    number: 0,
    keys: own.map(({ key }) => ({ key, holder: 'Ada' })),
    signatures: { low: 1, medium: 1, high: 1, critical: 1, change: 1 },
    party,
    recovery: null,
    disabled: false,
  };
  const file = join(folder, 'lock.json');
  await writeFile(file, JSON.stringify(lock));
  const { page, device } = await visit('/lock');
  await page.getByText('There is no lock yet').waitFor();
  await mustBeSound(page, 'no lock yet');
  await page.getByLabel('A lock file').setInputFiles(file);
  await page.getByText('Your browser asks for the passkey next').waitFor();
  await mustBeSound(page, 'bringing a lock');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByText('number 0 of chain lck_0browsertst0').waitFor();
  await leave({ page, device });
  return lock;
}

const askFor = async (server: string, words: string) => {
  const { action } = await assistant('runCommand', { server, argv: ['touch', join(folder, words)] });
  assert.ok(action);
  return action;
};

browserTest('when a person has a passkey, they sign in with it alone and come back to where they were', async () => {
  const page = await blank(phone, null);
  const device = await giveAuthenticator(page, passkeys);
  await page.goto(`${world.url}/audit?event=person.signed_in`);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  await mustBeSound(page, 'sign-in with a passkey');
  await device.knowsUser(false);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText('No passkey was used').waitFor();
  await device.knowsUser(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get('event'), 'person.signed_in');
  await leave({ page, device });
});

browserTest(
  'T4: when the server is locked, it runs with the passkey’s signature and the page offers nothing less',
  async () => {
    const asked = await askFor('locked-1', 'signed');
    const { page } = await visit(`/actions/${asked.id}`, phone);
    await page.getByText('Ada has not signed').waitFor();
    await page.getByText('This page computed it from the plan above').waitFor();
    await page.getByText('Keys that count').click();
    await page
      .getByText(/SHA256:/)
      .first()
      .waitFor();
    assert.equal(await page.getByRole('button', { name: 'Approve once' }).count(), 0);
    await mustBeSound(page, 'action on a locked server');
    await page.getByRole('button', { name: 'Approve with passkey' }).click();
    await page.getByText('Succeeded', { exact: true }).first().waitFor();
    await page.getByText(/Signed with passkey SHA256:/).waitFor();
    await mustBeSound(page, 'signed and finished action');
    await readFile(join(folder, 'signed'));
    await closeWindow(page);
  },
);

browserTest(
  'T4: when the control plane shows another plan than it wants signed, the page refuses to sign',
  async () => {
    const asked = await askFor('locked-1', 'never');
    const { page } = await visit('/inbox');
    // A control plane that was taken over: the words on the page are harmless, the digest is that of the real plan.
    await page.route(`**/api/v1/actions/${asked.id}*`, async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { plan: { title: string } };
      body.plan.title = 'Nothing at all';
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${world.url}/actions/${asked.id}`);
    await page.getByText('This is not the fingerprint of the plan above. Do not approve it.').waitFor();
    await mustBeSound(page, 'a bent plan');
    assert.equal(await page.getByRole('button', { name: /Approve/ }).count(), 0);
    await closeWindow(page);
  },
);

browserTest('when the person’s passkey is not in the lock, the page says so and gives the command line', async () => {
  const { page: other } = await visit('/account', desk, []);
  const asked = await askFor('locked-1', 'no-key');
  // The owner's only counting passkey is held back, as for a person who has another one.
  await other.route('**/api/v1/passkeys', async (route) => {
    const response = await route.fetch();
    const body = (await response.json()) as { passkeys: { key: string }[] };
    for (const each of body.passkeys) each.key = `${each.key.slice(0, -4)}AAAA`;
    await route.fulfill({ response, json: body });
  });
  await other.goto(`${world.url}/actions/${asked.id}`);
  await other.getByText('none of your passkeys is in the lock').waitFor();
  await other.getByText(`countersign approve ${asked.id} --key FILE`).waitFor();
  assert.equal(await other.getByRole('button', { name: /Approve/ }).count(), 0);
  await mustBeSound(other, 'no key in the lock');
  await closeWindow(other);
});

browserTest(
  'when the server is not locked, a passkey still makes the approval stronger, without typing its name',
  async () => {
    const asked = await askFor('open-1', 'stronger');
    const { page } = await visit(`/actions/${asked.id}`);
    await page.getByRole('button', { name: 'Approve + passkey' }).click();
    await page.getByText('Succeeded', { exact: true }).first().waitFor();
    const { approvals } = await world.owner('getAction', { action: asked.id });
    assert.deepEqual(
      approvals.map(({ strength, channel }) => [strength, channel]),
      [['passkey', 'web']],
    );
    await closeWindow(page);
  },
);

browserTest(
  'when a change could lock everybody out, the page counts down and a signed confirmation keeps it',
  async () => {
    const path = join(folder, '.ssh/authorized_keys');
    await rm(join(folder, '.ssh'), { recursive: true, force: true });
    await mkdir(join(folder, '.ssh'));
    await writeFile(path, '# nobody\n');
    const { sha256 } = await assistant('readFile', { server: 'locked-1', path });
    const { action } = await assistant('writeFile', {
      server: 'locked-1',
      path,
      content: '# nobody at all\n',
      expected_sha256: sha256,
    });
    const { page } = await visit(`/actions/${action?.id}`, phone);
    await page
      .getByText(/which decides who can log in/)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Approve with passkey' }).click();
    await page.getByText(/Taken back at .* unless you confirm/).waitFor();
    await mustBeSound(page, 'waiting to be confirmed');
    await page.getByRole('button', { name: /I can reach it: keep it/ }).click();
    await page.getByText('Succeeded', { exact: true }).first().waitFor();
    assert.match(await readFile(path, 'utf8'), /nobody at all/);
    await closeWindow(page);
  },
);
