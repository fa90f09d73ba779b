/** A human decides in the dashboard: reads, approves, rejects, follows. With a real agent that changes a real file. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Call } from '@countersign/protocol/operator-api/index';
import { browserTest } from '../world/browser.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import type { World } from '../world/world.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, confirm, mustBeSound, phone } from './pages.ts';

let world: World;
let folder: string;
/** What an assistant may call: ask, never decide. */
let assistant: Call;
let number = 0;

const { open } = aroundTests(async (dashboard, later) => {
  ({ world } = dashboard);
  folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign-decide-')));
  later.defer(() => rm(folder, { recursive: true, force: true }));
  const rooms = Array.from({ length: 9 }, (_, room) => join(folder, `room-${room + 1}`));
  const agent = await startLocalAgent(world, 'web-1', {
    policy: [
      'mode: act',
      'max_risk: critical',
      'commands: true',
      `read_roots: [${folder}]`,
      `write_roots: [${folder}]`,
      `tmp_roots: [${rooms.join(', ')}]`,
    ].join('\n'),
  });
  later.use(agent);
  assistant = world.as(await world.token());
});

/** A room with one file that was forgotten for a month. */
async function makeRoom(): Promise<string> {
  number += 1;
  const room = join(folder, `room-${number}`);
  await mkdir(room);
  await writeFile(join(room, 'forgotten'), 'old');
  const month = Date.now() / 1000 - 30 * 86_400;
  await utimes(join(room, 'forgotten'), month, month);
  return room;
}

/** Asks for a room to be cleaned: medium risk. */
async function askToClean() {
  const room = await makeRoom();
  const asked = await assistant('runPlaybook', {
    server: 'web-1',
    playbook: 'disk.clean_tmp',
    parameters: { root: room, watch: '1s' },
  });
  assert.ok(asked.action, 'it waits for a human');
  return { room, action: asked.action };
}

/** Asks for a file to be replaced: high risk, with a diff. */
async function askToReplace(reason: string) {
  const path = join(folder, 'app.ini');
  await writeFile(path, '[pool]\nsize = 5\nwait = 10\n');
  const { sha256 } = await assistant('readFile', { server: 'web-1', path });
  const asked = await assistant('writeFile', {
    server: 'web-1',
    path,
    content: '[pool]\nsize = 50\nwait = 10\n',
    expected_sha256: sha256,
    reason,
  });
  assert.ok(asked.action);
  return { path, action: asked.action };
}

const isThere = async (room: string) => (await readdir(room)).includes('forgotten');

browserTest(
  'when an assistant asks, it appears without a reload, in the order in which a person judges it',
  async () => {
    const page = await open('/inbox');
    await page.getByText('Nothing waits for you').waitFor();
    const { action, path } = await askToReplace('The pool is exhausted. Already approved by your boss.');
    await page.getByRole('link', { name: action.title }).first().waitFor();
    await page.getByRole('article').waitFor();
    await mustBeSound(page, 'inbox with an action beside it');
    await page.goto(`${world.url}/actions/${action.id}`);
    await page.getByRole('heading', { level: 1, name: action.title }).waitFor();
    await page.getByText('size = 50').first().waitFor();
    const order = [
      action.title,
      'Exactly what runs',
      'Parameters',
      'What changes',
      'Risk and the way back',
      'Who asked, and why you are asked',
      'Fingerprint',
      'Time left',
      'Assistant’s reason (untrusted text)',
      'Already approved by your boss',
    ];
    const text = (await page.getByRole('article').textContent()) ?? '';
    const places = order.map((part) => text.indexOf(part));
    assert.ok(!places.includes(-1), `${order[places.indexOf(-1)]} is missing in:\n${text}`);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    await page.getByText('added: size = 50').waitFor({ state: 'attached' });
    await page.getByText(action.fingerprint).first().waitFor();
    await mustBeSound(page, 'action with a diff');
    assert.match(await readFile(path, 'utf8'), /size = 5\n/, 'nothing may happen before a human decides');
    await closeWindow(page);
  },
);

browserTest(
  'when a medium-risk change is approved on a phone, one tap is enough and its result is followed live',
  async () => {
    const { action, room } = await askToClean();
    assert.equal(action.risk, 'medium');
    const page = await open(`/actions/${action.id}`, phone);
    await page.getByRole('button', { name: 'Approve once' }).click();
    await page.getByText('Succeeded', { exact: true }).first().waitFor();
    await page.getByText('Approved by Ada').first().waitFor();
    assert.equal(await isThere(room), false);
    await mustBeSound(page, 'finished action');
    const { approvals } = await world.owner('getAction', { action: action.id });
    assert.deepEqual(
      approvals.map(({ channel }) => channel),
      ['web'],
    );
    await closeWindow(page);
  },
);

browserTest('when a change is rejected, the reason reaches the assistant and nothing was done', async () => {
  const { action, room } = await askToClean();
  const page = await open(`/actions/${action.id}`);
  await page.getByRole('button', { name: 'Reject' }).click();
  await page.getByLabel('Reason').fill('Ask again in the morning.');
  await mustBeSound(page, 'reject dialog');
  await confirm(page, 'Reject');
  await page.getByText('Rejected', { exact: true }).first().waitFor();
  await page.getByText('“Ask again in the morning.”').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Approve once' }).count(), 0);
  assert.equal(await isThere(room), true);
  assert.match(JSON.stringify(await assistant('getAction', { action: action.id })), /Ask again in the morning/);
  await closeWindow(page);
});

browserTest('when the risk is high, the server’s name has to be typed before it can be approved', async () => {
  const asked = await assistant('runCommand', { server: 'web-1', argv: ['echo', 'a word  with spaces', ''] });
  const id = asked.action?.id ?? '';
  assert.ok(['high', 'critical'].includes(asked.action?.risk ?? ''));
  const page = await open(`/actions/${id}`);
  await page.getByText('What this does cannot be predicted.').waitFor();
  await page.getByText('(empty)').waitFor();
  await page.getByRole('button', { name: 'Approve once' }).click();
  const dialog = page.getByRole('dialog');
  const approve = dialog.getByRole('button', { name: 'Approve once' });
  await mustBeSound(page, 'approve dialog');
  assert.equal(await approve.isDisabled(), true);
  await dialog.getByLabel(/Type the server’s name/).fill('web-2');
  assert.equal(await approve.isDisabled(), true);
  await dialog.getByLabel(/Type the server’s name/).fill('web-1');
  await approve.click();
  await page.getByText('Succeeded', { exact: true }).first().waitFor();
  await page.getByText('a word  with spaces').last().waitFor();
  await closeWindow(page);
});

browserTest('when a person decides elsewhere, the open page says so by itself', async () => {
  const { action } = await askToClean();
  const page = await open(`/actions/${action.id}`);
  await page.getByRole('button', { name: 'Approve once' }).waitFor();
  await world.owner('rejectAction', { action: action.id, digest: action.digest, reason: 'from the shell' });
  await page.getByText('Rejected by Ada').first().waitFor();
  await page.getByText('on the command line').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Approve once' }).count(), 0);
  await closeWindow(page);
});

browserTest('when the control plane refuses an approval, the page says why and shows nothing as approved', async () => {
  const room = await makeRoom();
  const page = await open('/playbooks/disk.clean_tmp');
  await page.getByRole('button', { name: 'Run…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Server').selectOption({ label: 'web-1' });
  await dialog.getByLabel('root').fill(room);
  await mustBeSound(page, 'form of a playbook');
  await dialog.getByRole('button', { name: 'Ask for it' }).click();
  // Asked in this very session: who asks cannot approve.
  await page.getByText('You asked for this yourself').waitFor();
  await page.getByRole('button', { name: 'Approve once' }).click();
  await page.getByText('Who asks cannot approve').waitFor();
  await page.getByText('Awaiting approval').first().waitFor();
  await page.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Withdrawn', { exact: true }).first().waitFor();
  assert.equal(await isThere(room), true);
  await closeWindow(page);
});

browserTest('when a running action is stopped, it ends and says that it was stopped', async () => {
  const asked = await assistant('runCommand', { server: 'web-1', argv: ['sleep', '600'], timeout_s: 600 });
  const id = asked.action?.id ?? '';
  const page = await open(`/actions/${id}`);
  await page.getByRole('button', { name: 'Approve once' }).click();
  await page.getByLabel(/Type the server’s name/).fill('web-1');
  await page.keyboard.press('Enter');
  await page.getByText('Running', { exact: true }).first().waitFor();
  await mustBeSound(page, 'running action');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('Stopped', { exact: true }).first().waitFor();
  await closeWindow(page);
});
