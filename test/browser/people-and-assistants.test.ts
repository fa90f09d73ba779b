/** Who gets in: assistants with tokens, people by invitation, Telegram accounts by pairing; and the log of it all. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { connectAssistant } from '../world/assistants.ts';
import { browserTest } from '../world/browser.ts';
import { eventually } from '../world/eventually.ts';
import type { World } from '../world/world.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, confirm, desk, dialogGone, listens, mustBeSound, phone } from './pages.ts';

let world: World;
const { blank, open } = aroundTests(
  (dashboard) => {
    ({ world } = dashboard);
  },
  { telegram: true },
);

/** In one go, as a page that was busy meets two presses of an impatient person. */
const pressTwice = (button: Locator) =>
  button.evaluate((it) => {
    const pressed = it as unknown as { click(): void };
    pressed.click();
    pressed.click();
  });

/** Lets so much time pass on a page that has a clock of its own, thrice at most: what waits for it may begin a moment late. */
const passTime = (page: Page, time: string, done: () => Promise<boolean>) => {
  let passed = 0;
  return eventually(`what comes after ${time}`, async () => {
    passed += 1;
    if (passed <= 3) await page.clock.fastForward(time);
    return done();
  });
};

browserTest('when an assistant is connected with the shown command, the page notices its first call', async () => {
  const page = await open('/connect');
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByText('Waiting for its first call…').waitFor();
  const command = (await page.getByRole('region', { name: 'In a terminal' }).first().textContent()) ?? '';
  const [, url = '', token = ''] =
    /^claude mcp add --transport http countersign (\S+)\/mcp --header "Authorization: Bearer (csr_\S+)"$/.exec(
      command,
    ) ?? [];
  assert.equal(url, world.url);
  await mustBeSound(page, 'connect with a token');
  await using assistant = await connectAssistant('v2', { url: world.url, token });
  await assistant.call('list_servers');
  await page.getByText(/It works: .*called/).waitFor();
  for (const name of ['Cursor', 'Codex']) {
    await page.getByRole('tab', { name }).click();
    await mustBeSound(page, `connect ${name}`);
  }
  await closeWindow(page);
});

browserTest('when a token is made, it is shown once; when it is ended, it is refused', async () => {
  const page = await open('/tokens', phone);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByLabel('Name').fill('status page');
  await page.getByLabel('It may').selectOption('read');
  await page.getByRole('button', { name: 'Make it' }).click();
  const secret = (await page.getByRole('region', { name: 'Token', exact: true }).textContent()) ?? '';
  assert.match(secret, /^csr_/);
  await mustBeSound(page, 'new token');
  await page.getByRole('button', { name: 'Done' }).click();
  assert.ok((await world.as(secret)('listServers', {})).servers);
  await page.getByRole('button', { name: 'End the token status page' }).click();
  await confirm(page, 'End it');
  await page.getByRole('button', { name: 'End the token status page' }).waitFor({ state: 'detached' });
  await assert.rejects(world.as(secret)('listServers', {}), { code: 'unauthenticated' });
  await closeWindow(page);
});

browserTest(
  'when a button is pressed twice, it is sent once, and is under way until the page shows what it did',
  async () => {
    const { secret } = await world.owner('createToken', { name: 'pressed twice', scope: 'read' });
    const page = await open('/tokens');
    await page.getByRole('button', { name: 'End the token pressed twice' }).click();
    const listed = Promise.withResolvers<void>();
    let sent = 0;
    await page.route('**/api/v1/tokens**', async (route) => {
      if (route.request().method() === 'GET') await listed.promise;
      else sent += 1;
      await route.continue();
    });
    const asked = page.waitForRequest((request) => request.method() === 'GET' && request.url().endsWith('/tokens'));
    // The news of what was before may have the list asked for already: only the answer tells that the token has ended.
    const ended = page.waitForResponse((response) => response.request().method() === 'DELETE');
    const button = page.getByRole('dialog').getByRole('button', { name: 'End it' });
    await pressTwice(button);
    await Promise.all([asked, ended]);
    await listens(page);
    assert.equal(await button.isDisabled(), true, 'the list behind it is still that of before');
    await assert.rejects(world.as(secret)('listServers', {}), { code: 'unauthenticated' });
    listed.resolve();
    await dialogGone(page);
    // The dialog waits for the list for ten seconds only.
    await page.getByRole('button', { name: 'End the token pressed twice' }).waitFor({ state: 'detached' });
    assert.equal(sent, 1);
    await closeWindow(page);
  },
);

browserTest(
  'when an answer comes after its question was given up, the question about the next row is free of it',
  async () => {
    for (const name of ['given up', 'asked next']) await world.owner('createToken', { name, scope: 'read' });
    const page = await open('/tokens');
    const lost = Promise.withResolvers<void>();
    await page.route('**/api/v1/tokens/**', async (route) => {
      await lost.promise;
      await route.abort();
    });
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'End the token given up' }).click();
    const sent = page.waitForRequest('**/api/v1/tokens/**');
    await dialog.getByRole('button', { name: 'End it' }).click();
    await sent;
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'End the token asked next' }).click();
    assert.equal(await dialog.getByRole('button', { name: 'End it' }).isEnabled(), true);
    const failed = page.waitForEvent('requestfailed');
    lost.resolve();
    await failed;
    await page.unroute('**/api/v1/tokens/**');
    assert.equal(await dialog.getByRole('alert').count(), 0);
    await confirm(page, 'End it');
    await page.getByRole('button', { name: 'End the token asked next' }).waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('button', { name: 'End the token given up' }).count(), 1);
    await closeWindow(page);
  },
);

browserTest(
  'when a token is made and the list behind it is never answered, its secret is shown all the same',
  async () => {
    const page = await blank();
    await page.clock.install();
    await page.goto(`${world.url}/tokens`);
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name').fill('in a hurry');
    const listed = Promise.withResolvers<void>();
    await page.route('**/api/v1/tokens**', async (route) => {
      if (route.request().method() === 'GET') await listed.promise;
      await route.continue();
    });
    const asked = page.waitForRequest((request) => request.method() === 'GET' && request.url().endsWith('/tokens'));
    await page.getByRole('button', { name: 'Make it' }).click();
    await asked;
    const shown = page.getByRole('region', { name: 'Token', exact: true });
    await passTime(page, '00:10', () => shown.isVisible());
    const secret = await shown.textContent();
    assert.ok((await world.as(secret ?? '')('listServers', {})).servers);
    listed.resolve();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'End the token in a hurry' }).waitFor();
    await closeWindow(page);
  },
);

browserTest('when Escape is pressed while a token is being made, the dialog stays and shows its secret', async () => {
  const page = await open('/tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await dialog.getByLabel('Name').fill('not lost');
  const pressed = Promise.withResolvers<void>();
  await page.route('**/api/v1/tokens', async (route) => {
    if (route.request().method() === 'POST') await pressed.promise;
    await route.continue();
  });
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await sent;
  // Either would lose the secret. They are off a moment after it was sent.
  for (const name of ['Cancel', 'Close'])
    await dialog.getByRole('button', { name }).and(page.locator(':disabled')).waitFor();
  await page.keyboard.press('Escape');
  pressed.resolve();
  const secret = (await page.getByRole('region', { name: 'Token', exact: true }).textContent()) ?? '';
  assert.ok((await world.as(secret)('listServers', {})).servers);
  await page.keyboard.press('Escape');
  await dialogGone(page);
  await closeWindow(page);
});

browserTest('when no answer comes for a minute while a token is being made, the dialog can be closed', async () => {
  const page = await blank();
  await page.clock.install();
  await page.goto(`${world.url}/tokens`);
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await dialog.getByLabel('Name').fill('never answered');
  // Neither answered nor refused.
  await page.route('**/api/v1/tokens', (route) => (route.request().method() === 'POST' ? undefined : route.continue()));
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await sent;
  const close = dialog.getByRole('button', { name: 'Close' });
  await close.and(page.locator(':disabled')).waitFor();
  await passTime(page, '01:00', () => close.isEnabled());
  await close.click();
  await dialogGone(page);
  await closeWindow(page);
});

browserTest('when a change cannot be sent, the page says so, and does not send it later by itself', async () => {
  const { secret } = await world.owner('createToken', { name: 'kept', scope: 'read' });
  const page = await open('/tokens');
  await page.getByRole('button', { name: 'End the token kept' }).click();
  await page.context().setOffline(true);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'End it' }).click();
  await dialog.getByText('The control plane does not answer.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.context().setOffline(false);
  // Whatever waited for the network would go before it.
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByLabel('Name').fill('sent after it');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('region', { name: 'Token', exact: true }).waitFor();
  assert.ok((await world.as(secret)('listServers', {})).servers);
  await closeWindow(page);
});

browserTest(
  'when what a dialog was opened from is gone with it, the focus goes to the heading of the page, which stays where it was',
  async () => {
    await world.owner('createToken', { name: 'soon gone', scope: 'read' });
    const page = await open('/tokens');
    const end = page.getByRole('button', { name: 'End the token soon gone' });
    await end.click();
    await page.keyboard.press('Escape');
    await end.and(page.locator(':focus')).waitFor();
    await page.setViewportSize({ width: desk.width, height: 200 });
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await end.click();
    await confirm(page, 'End it');
    const heading = page.getByRole('heading', { level: 1, name: 'Tokens' });
    await heading.and(page.locator(':focus')).waitFor();
    assert.ok(((await heading.boundingBox())?.y ?? 0) < 0, 'the page stays where it was read');
    await mustBeSound(page, 'tokens after one was ended');
    await closeWindow(page);
  },
);

browserTest('when a proof is given with two presses at once, it is sent once', async () => {
  await world.owner('pauseDispatch', { stop_running: false });
  const page = await open('/');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('textbox', { name: 'Your password' }).fill(world.password);
  let sent = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/api/v1/resume')) sent += 1;
  });
  await pressTwice(page.getByRole('dialog').getByRole('button', { name: 'Resume' }));
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(sent, 1);
  await closeWindow(page);
});

browserTest('when a question is given up before its answer and asked again, the second press counts too', async () => {
  const page = await open('/account');
  const answered = Promise.withResolvers<void>();
  const asked: unknown[] = [];
  await page.route('**/api/v1/session/ide-answers', async (route) => {
    asked.push(route.request().postDataJSON());
    await answered.promise;
    await route.continue();
  });
  for (const presses of [1, 2]) {
    await page.getByRole('switch', { name: /My answers to prompts in the IDE count/ }).click();
    await page.getByRole('textbox', { name: 'Password' }).fill(world.password);
    const sent = page.waitForRequest('**/api/v1/session/ide-answers');
    await page.getByRole('button', { name: 'Let them count' }).click();
    await sent;
    if (presses === 1) await page.getByRole('button', { name: 'Cancel' }).click();
  }
  answered.resolve();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.deepEqual(asked, Array(2).fill({ on: true, password: world.password }));
  await closeWindow(page);
});

browserTest('when a person is invited, they join by the link and see what their role may', async () => {
  const page = await open('/people');
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByLabel('Name').fill('Cyd');
  await page.getByLabel('E-mail').fill('cyd@example.org');
  await page.getByLabel('Role').selectOption('viewer');
  await page.getByRole('button', { name: 'Make the link' }).click();
  const invitation = (await page.getByRole('region', { name: 'Invitation link' }).textContent()) ?? '';
  await mustBeSound(page, 'invitation link');

  const guest = await blank(phone, null);
  await guest.goto(invitation);
  await guest.getByRole('textbox', { name: 'Password' }).fill('another long password');
  await mustBeSound(guest, 'invitation');
  await guest.getByRole('button', { name: 'Join' }).click();
  await guest.getByText('Welcome, Cyd').waitFor();
  await guest.getByRole('button', { name: 'Not now' }).click();
  await guest.getByRole('button', { name: 'Later' }).click();
  await guest.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await guest.goto(`${world.url}/servers/add`);
  await guest.getByText('Owners add servers.').waitFor();
  await guest.goto(`${world.url}/people`);
  await guest.getByText('cyd@example.org · you').waitFor();
  assert.equal(await guest.getByRole('button', { name: 'Invite' }).count(), 0);

  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Remove Cyd' }).click();
  await confirm(page, 'Remove');
  await page.getByRole('button', { name: 'Remove Cyd' }).waitFor({ state: 'detached' });
  // Whoever is removed is out at once, also from a page that is open.
  await guest.getByRole('heading', { name: 'Sign in' }).waitFor();
  await closeWindow(guest);
  await closeWindow(page);
});

browserTest('when Telegram is paired, the page shows the account and asks whose it is before it counts', async () => {
  const { twin } = world;
  assert.ok(twin);
  const page = await open('/telegram');
  await page.getByRole('textbox', { name: 'Your password' }).fill(world.password);
  await page.getByRole('button', { name: 'Connect Telegram' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor();
  await mustBeSound(page, 'pairing');
  const link = (await page.getByRole('link', { name: 'Open Telegram' }).getAttribute('href')) ?? '';
  const user = twin.addUser({ firstName: 'Ada', lastName: 'Lovelace', username: 'ada' });
  twin.openPrivateChat(user);
  await twin.pressDeepLink(user, new URL(link).searchParams.get('start') ?? '');
  await page.getByText('Is this your Telegram account?').waitFor();
  await page.getByText(`id ${user.id}`).waitFor();
  await mustBeSound(page, 'confirming');
  await page.getByRole('button', { name: 'Yes, it is mine' }).click();
  await page.getByText(/^Connected:/).waitFor();
  await mustBeSound(page, 'paired');
  await closeWindow(page);
});

browserTest('when the log is verified and exported, it is whole', async () => {
  const page = await open('/audit');
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await page.getByText(/The chain is whole: \d+ entries/).waitFor();
  await page.getByText('telegram.linked').first().click();
  await page.getByText('Hash', { exact: true }).waitFor();
  await mustBeSound(page, 'entry of the audit log');
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export' }).click();
  const lines = (await readFile(await (await downloading).path(), 'utf8')).trim().split('\n');
  assert.ok(lines.length > 5);
  for (const line of lines) JSON.parse(line);
  await page.getByLabel('Event').fill('token.created');
  await page.keyboard.press('Enter');
  await page.getByText('person.signed_in').first().waitFor({ state: 'detached' });
  await page.getByText('token.created').first().waitFor();
  await closeWindow(page);
});
