/** The dashboard by keyboard alone. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { browserTest } from '../world/browser.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import type { World } from '../world/world.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, desk, type Look, listens, mustBeSound, phone } from './pages.ts';

let world: World;
const windows = aroundTests(async (dashboard, later) => {
  ({ world } = dashboard);
  later.use(await startLocalAgent(world, 'web-1', { policy: 'mode: act\nmax_risk: critical\ncommands: true\n' }));
  const assistant = world.as(await world.token());
  for (const word of ['one', 'two', 'three']) await assistant('runCommand', { server: 'web-1', argv: ['echo', word] });
});

const open = async (path: string, look: Look = desk): Promise<Page> => {
  const page = await windows.open(path, look);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await listens(page);
  return page;
};
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

browserTest('when Tab is pressed first, the content can be jumped to', async () => {
  const page = await open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to content');
  await page.keyboard.press('Enter');
  await page.locator('#main:focus').waitFor();
  await closeWindow(page);
});

browserTest('when g and a letter are pressed, that place opens', async () => {
  const page = await open('/');
  for (const [key, name] of [
    ['i', 'Inbox'],
    ['s', 'Servers'],
    ['r', 'Actions'],
    ['o', 'Overview'],
  ] as const) {
    // Not one after the other: the second counts for 1.2 s, which a busy machine can take between them.
    await Promise.all([page.keyboard.press('g'), page.keyboard.press(key)]);
    await heading(page, name);
  }
  await closeWindow(page);
});

browserTest('when the palette is opened, a few letters lead to a server', async () => {
  const page = await open('/');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('web-1');
  await page.getByRole('option', { name: /web-1.*server/ }).waitFor();
  await mustBeSound(page, 'palette');
  const chosen = page.getByRole('option', { selected: true });
  while (!(await chosen.textContent())?.endsWith('server')) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await heading(page, 'web-1');
  await closeWindow(page);
});

browserTest('when the palette comes late, what is typed meanwhile is no shortcut of the page', async () => {
  const page = await open('/inbox');
  await page.getByRole('article').waitFor();
  await listens(page);
  const late = Promise.withResolvers<void>();
  await page.route('**/assets/palette*', async (route) => {
    await late.promise;
    await route.continue();
  });
  await page.keyboard.press('Control+k');
  await page.keyboard.type('rags');
  late.resolve();
  await page.getByRole('dialog', { name: 'Go to' }).waitFor();
  assert.equal(await page.getByRole('dialog').count(), 1);
  assert.ok(page.url().endsWith('/inbox'));
  await closeWindow(page);
});

browserTest('when a list of the palette comes late, the entry that was chosen stays chosen', async () => {
  const page = await windows.blank();
  const late = Promise.withResolvers<void>();
  await page.route('**/api/v1/servers?*', async (route) => {
    await late.promise;
    await route.continue();
  });
  await page.goto(`${world.url}/account`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await listens(page);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').and(page.locator(':focus')).waitFor();
  // Actions on the server are found by its name, after the server itself.
  await page.keyboard.type('web-1');
  const chosen = page.getByRole('option', { selected: true });
  await page.getByRole('option', { name: /one on web-1/ }).waitFor();
  while (!(await chosen.textContent())?.includes('two')) await page.keyboard.press('ArrowDown');
  late.resolve();
  await page.getByRole('option', { name: /web-1.*server/ }).waitFor();
  assert.match((await chosen.textContent()) ?? '', /two on web-1/);
  await closeWindow(page);
});

browserTest('when ? is pressed, the keys are listed; Escape closes the list', async () => {
  const page = await open('/');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await mustBeSound(page, 'list of keys');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await closeWindow(page);
});

browserTest('when j, k and Enter are pressed in the inbox of a narrow window, a row is chosen and opened', async () => {
  const page = await open('/inbox', { ...phone, width: 800 });
  const rows = page.locator('[data-row]');
  await rows.nth(2).waitFor();
  await listens(page);
  const focused = () => page.evaluate<string>('document.activeElement.dataset.row ?? ""');
  const ids = await rows.evaluateAll((all) =>
    all.map((row) => (row as unknown as { dataset: { row: string } }).dataset.row),
  );
  await page.keyboard.press('j');
  assert.equal(await focused(), ids[0]);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  assert.equal(await focused(), ids[1]);
  await page.keyboard.press('Enter');
  await page.getByText('Exactly what runs').waitFor();
  assert.ok(page.url().endsWith(`/actions/${ids[1]}`));
  await closeWindow(page);
});

browserTest('when a is pressed, nothing is approved: the question comes first, and typing goes into it', async () => {
  const page = await open('/inbox');
  await page.getByRole('article').waitFor();
  await listens(page);
  const sent: string[] = [];
  page.on('request', (request) => request.method() !== 'GET' && sent.push(request.url()));
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  const dialog = page.getByRole('dialog');
  await dialog
    .getByLabel(/Type the server’s name/)
    .and(page.locator(':focus'))
    .waitFor();
  await page.keyboard.type('r');
  assert.equal(await dialog.getByLabel(/Type the server’s name/).inputValue(), 'r');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(sent, []);
  const { actions } = await world.owner('listActions', { state: 'awaiting_approval' });
  assert.equal(actions.length, 3);
  await closeWindow(page);
});

browserTest('when r is pressed, the reason is asked for, and Enter on the button rejects', async () => {
  const page = await open('/inbox');
  await page.getByRole('article').waitFor();
  await listens(page);
  await page.keyboard.press('r');
  await page.getByLabel('Reason').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('not now');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const { actions } = await world.owner('listActions', { state: 'rejected' });
  assert.equal(actions.length, 1);
  await closeWindow(page);
});

browserTest('when single keys are turned off, they do nothing', async () => {
  const page = await open('/account');
  await page.getByRole('switch', { name: 'Single-key shortcuts' }).click();
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('?');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  assert.ok(page.url().endsWith('/account'));
  assert.equal(await page.getByRole('dialog').count(), 1, 'the palette alone is open');
  await closeWindow(page);
});
