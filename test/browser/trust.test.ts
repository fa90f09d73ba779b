/** What keeps people in charge: the red button, being asked again after drift, rules and roles under a rule of their own. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { Browser, Page } from 'playwright-core';
import { browserTest } from '../world/browser.ts';
import { eventually } from '../world/eventually.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import type { World } from '../world/world.ts';
import { aroundTests, signInOnce } from './dashboard.ts';
import { closeWindow, confirm, dialogGone, listens, mustBeSound, phone } from './pages.ts';

let browser: Browser;
let world: World;
let folder: string;
let assistant: Call;
const { open } = aroundTests(async (dashboard, later) => {
  ({ browser, world } = dashboard);
  folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign-trust-')));
  later.defer(() => rm(folder, { recursive: true, force: true }));
  const agent = await startLocalAgent(world, 'web-1', {
    policy: `mode: act\nmax_risk: critical\ncommands: true\nread_roots: [${folder}]\nwrite_roots: [${folder}]\n`,
  });
  later.use(agent);
  assistant = world.as(await world.token());
});

/** Proves by password, as the dialog asks for it. */
async function prove(page: Page, verb: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(world.password);
  await dialog.getByRole('button', { name: verb }).click();
}

/** Asks for a file to be replaced. */
async function askToWrite(name: string, before: string, content: string) {
  const path = join(folder, name);
  await writeFile(path, before);
  const { sha256 } = await assistant('readFile', { server: 'web-1', path });
  const { action } = await assistant('writeFile', { server: 'web-1', path, content, expected_sha256: sha256 });
  assert.ok(action);
  return { path, action };
}

browserTest('when everything is paused on a phone, nothing starts anywhere until an owner resumes', async () => {
  const { path, action } = await askToWrite('paused.ini', 'a = 1\n', 'a = 2\n');
  const page = await open('/servers', phone);
  await page.getByRole('button', { name: 'Pause everything' }).click();
  await page.getByLabel('Reason').fill('Something is odd.');
  await mustBeSound(page, 'pause dialog');
  await confirm(page, 'Pause everything');
  await page.getByText('All changes are paused', { exact: true }).waitFor();
  await page.getByText('“Something is odd.”').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Pause everything' }).count(), 0);
  await mustBeSound(page, 'paused, on a phone');
  const other = await open(`/actions/${action.id}`);
  await other.getByText('All changes are paused', { exact: true }).waitFor();
  await other.getByRole('button', { name: 'Approve once' }).click();
  await other.getByLabel(/Type the server’s name/).fill('web-1');
  await other.keyboard.press('Enter');
  await other.getByText('Approved', { exact: true }).first().waitFor();
  await mustBeSound(other, 'approved and paused');
  assert.match(await readFile(path, 'utf8'), /a = 1/, 'nothing may start while everything is paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('textbox', { name: 'Your password' }).waitFor();
  await mustBeSound(page, 'resume dialog');
  await prove(page, 'Resume');
  await page.getByText('All changes are paused', { exact: true }).waitFor({ state: 'detached' });
  await other.getByText('Succeeded', { exact: true }).first().waitFor();
  await closeWindow(page);
  await closeWindow(other);
});

browserTest('when a single key is pressed, nothing is paused; the palette leads to the same question', async () => {
  const page = await open('/');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await listens(page);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('panic');
  await page.getByRole('option', { name: /Pause everything/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Pause everything?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal((await world.owner('getPause', {})).pause, null);
  await closeWindow(page);
});

browserTest(
  'when the server changed after the preview, the approver is asked again and shown what changed',
  async () => {
    const { path, action } = await askToWrite('drift.ini', 'size = 5\n', 'size = 50\n');
    const page = await open(`/actions/${action.id}`);
    await page.getByText('size = 50').first().waitFor();
    await chmod(path, 0o600); // not what it was asked for, but not what was looked at either
    await page.getByRole('button', { name: 'Approve once' }).click();
    await page.getByLabel(/Type the server’s name/).fill('web-1');
    await page.keyboard.press('Enter');
    await page.getByText('Refused by server').first().waitFor();
    await page.getByRole('link', { name: 'See the new request' }).click();
    await page.getByText('Asked again: the server is not as it was').waitFor();
    await page.getByText('What changed since then:').waitFor();
    await mustBeSound(page, 'asked again');
    assert.match(await readFile(path, 'utf8'), /size = 5\n/);
    await page.getByRole('link', { name: action.id }).click();
    await page.getByText('It was asked again').waitFor();
    await mustBeSound(page, 'refused, and asked again');
    await closeWindow(page);
  },
);

browserTest(
  'when the rules are edited, the difference is seen and the draft tested before a proof puts it in force',
  async () => {
    const page = await open('/policy');
    await page.getByRole('button', { name: 'Test the rules' }).click();
    await page.getByText('A human would be asked.').waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    const rules = page.getByRole('textbox', { name: 'Rules' });
    const present = await rules.inputValue();
    await rules.fill(
      present.replace(
        'rules:\n',
        'rules:\n  - name: no-commands\n    when:\n      capabilities: [command.run]\n    deny:\n      reason: Not here.\n',
      ),
    );
    await page.getByRole('button', { name: 'Test the draft' }).click();
    await page.getByText('It would be denied.').waitFor();
    await mustBeSound(page, 'a draft of the rules');
    await page.getByRole('button', { name: 'Look at the difference' }).click();
    await page.getByText('no-commands').last().waitFor();
    await page.getByRole('textbox', { name: 'Your password' }).waitFor();
    await mustBeSound(page, 'the difference of the rules');
    await prove(page, 'Change the rules');
    await page.getByText(/^Done:/).waitFor();
    await mustBeSound(page, 'changed rules');
    const { action } = await assistant('runCommand', { server: 'web-1', argv: ['true'] });
    assert.equal(action?.state, 'denied');
    await closeWindow(page);
  },
);

browserTest(
  'when a rule asks another owner to agree, a change of role waits for that owner on the policy page',
  async () => {
    const { sha256, yaml } = await world.owner('getPolicy', {});
    await joinAs('bo@example.org', 'Bo', 'owner');
    await joinAs('cyd@example.org', 'Cyd', 'approver');
    await world.owner('setPolicy', {
      yaml: `${yaml}\nadministration:\n  - name: two-owners\n    when: { change: [role, token] }\n    ask: { others: 1, strength: session }\n`,
      before: sha256,
      proof: { kind: 'password', password: world.password },
    });
    const page = await open('/people');
    await page.getByRole('button', { name: 'Change the role of Cyd' }).click();
    await page.getByLabel('Role', { exact: true }).selectOption('owner');
    await page.getByRole('textbox', { name: 'Your password' }).waitFor();
    await mustBeSound(page, 'changing a role');
    await prove(page, 'Change the role');
    await page.getByText(/^Proposed:/).waitFor();
    await mustBeSound(page, 'a role that waits');
    await page.goto(`${world.url}/tokens`);
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name').fill('agreed');
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('to agree first; nothing has changed').first().waitFor();

    const bo = await signInOnce(browser, { ...world, email: 'bo@example.org' });
    const other = await open('/policy', phone, bo);
    for (const left of [1, 0]) {
      await other.getByRole('button', { name: 'Agree…' }).first().click();
      await other.getByRole('textbox', { name: 'Your password' }).waitFor();
      await mustBeSound(other, 'agreeing');
      await prove(other, 'Agree');
      await dialogGone(other);
      await other.getByRole('button', { name: 'Agree…' }).nth(left).waitFor({ state: 'detached' });
    }
    await eventually('Cyd to be an owner', async () => {
      const { people } = await world.owner('listPeople', {});
      return people.find(({ name }) => name === 'Cyd')?.role === 'owner';
    });
    await page.goto(`${world.url}/policy`);
    await page.getByRole('button', { name: 'Collect it' }).click();
    const secret = (await page.getByRole('region', { name: 'Token', exact: true }).textContent()) ?? '';
    assert.ok((await world.as(secret)('listServers', {})).servers);
    await mustBeSound(page, 'a token that was agreed to');
    await closeWindow(page);
    await closeWindow(other);
  },
);

async function joinAs(email: string, name: string, role: 'owner' | 'approver'): Promise<void> {
  const { link } = await world.owner('invitePerson', { email, name, role });
  const secret = new URL(link).hash.slice(1);
  await world.as('')('acceptInvitation', { secret, password: world.password });
}
