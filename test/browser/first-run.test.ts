/** The first minutes: the printed link, the first account, an authenticator app, signing in again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { makeSetupLink } from '@countersign/control-plane/access/setup-link';
import { type ControlPlane, compose } from '@countersign/control-plane/compose';
import { loadConfig } from '@countersign/control-plane/config/config';
import { URI } from 'otpauth';
import type { Browser } from 'playwright-core';
import { browserTest, openBrowser, whyNoBrowser } from '../world/browser.ts';
import { closeWindow, desk, mustBeSound, openPage, openWindow, phone } from './pages.ts';

const EMAIL = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';
let browser: Browser;
let dataDir: string;
let controlPlane: ControlPlane;
/** Where a browser reaches it: cookies and passkeys need a name. */
let url: string;

before(async () => {
  if (whyNoBrowser()) return;
  browser = await openBrowser();
  dataDir = await mkdtemp(join(tmpdir(), 'countersign-first-run-'));
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  controlPlane = await compose(loadConfig({ COUNTERSIGN_PORT: '0', COUNTERSIGN_DATA: dataDir }), { log: quiet });
  url = controlPlane.publicUrl;
});

after(async () => {
  await browser?.close();
  await controlPlane?.[Symbol.asyncDispose]();
  if (dataDir) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

browserTest('when nobody has an account yet, the sign-in page says where the setup link is', async () => {
  const page = await openPage(await openWindow(browser, phone));
  await page.goto(url);
  await page.getByText('Nobody has an account yet').waitFor();
  await mustBeSound(page, 'sign-in before setup');
  await page.goto(`${url}/setup`);
  await page.getByText('needs the secret of the setup link').waitFor();
  await mustBeSound(page, 'setup without a secret');
  await closeWindow(page);
});

browserTest('when the setup link is wrong, no account is made and the next step is told', async () => {
  const page = await openPage(await openWindow(browser, desk));
  await page.goto(`${url}/setup#csu_wrong`);
  await page.getByLabel('Name').fill('Mallory');
  await page.getByLabel('E-mail').fill('mallory@example.org');
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('The setup link is wrong, used or older').waitFor();
  await page.getByText('setup --reset-link').waitFor();
  await closeWindow(page);
});

browserTest('when the printed link is opened, the first owner is made, with an authenticator app', async () => {
  const { url: link } = await makeSetupLink(controlPlane.access, { publicUrl: url, dataDir });
  const page = await openPage(await openWindow(browser, desk));
  await page.goto(link);
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await mustBeSound(page, 'setup');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByRole('button', { name: 'Make a passkey' }).waitFor();
  await mustBeSound(page, 'offer of a passkey');
  await page.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor();
  await mustBeSound(page, 'authenticator app');
  const secret = ((await page.locator('code').textContent()) ?? '').replaceAll(' ', '');
  const app = URI.parse(`otpauth://totp/Countersign:ada?secret=${secret}&issuer=Countersign`);
  await page.getByLabel('Code that the app shows').fill(app.generate());
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.getByText('First steps').waitFor();
  await page
    .getByRole('link', { name: /Add a server/ })
    .first()
    .waitFor();
  await mustBeSound(page, 'empty overview');

  await page.goto(`${url}/account`);
  // The page hears that its session is over before it is answered.
  const heard = Promise.withResolvers<void>();
  await page.route('**/api/v1/session', async (route) => {
    const response = await route.fetch();
    if (route.request().method() === 'DELETE') await heard.promise;
    await route.fulfill({ response });
  });
  const answered = page.waitForResponse((response) => response.request().method() === 'DELETE');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  heard.resolve();
  await answered;
  await page.unroute('**/api/v1/session');
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('E-mail, password, code or passkey is wrong').waitFor();
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  const code = page.getByLabel('Code of your authenticator app');
  await code.waitFor();
  // A code works once, and the one that turned the app on was used: the next one is valid a step early.
  await code.fill(app.generate({ timestamp: Date.now() + 30_000 }));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await closeWindow(page);
});

browserTest('when the link was used, it makes no second account', async () => {
  const page = await openPage(await openWindow(browser, desk));
  await page.goto(`${url}/setup#csu_whatever`);
  await page.getByText('Countersign is set up already').waitFor();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await closeWindow(page);
});

browserTest('when somebody who is not signed in opens a page, they come back to it after signing in', async () => {
  const page = await openPage(await openWindow(browser, phone));
  await page.goto(`${url}/audit?event=setup.finished`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.waitForURL(({ searchParams }) => searchParams.get('next') === '/audit?event=setup.finished');
  await page.goto(`${url}/sign-in?next=${encodeURIComponent('//evil.example/')}`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  // An address of somebody else is forgotten.
  await page.waitForURL(({ searchParams }) => !searchParams.has('next'));
  await closeWindow(page);
});
