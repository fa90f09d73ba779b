/** A real browser, Chromium, as a person uses it. */
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { whyNoHosts } from '../hosts/requirements.ts';
import { wayOut } from './apart.ts';
import type { World } from './world.ts';

const places = [
  process.env.COUNTERSIGN_TEST_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const program = places.find((place) => place !== '' && existsSync(place));
const required = process.env.COUNTERSIGN_REQUIRE_ALL === '1';

/** Why no browser can be had here; `undefined` when one can. */
export function whyNoBrowser(): string | undefined {
  return program === undefined ? 'needs Chromium' : undefined;
}

/** A test that needs a browser: skipped by name where there is none, unless every part is required. */
export function browserTest(title: string, fn: (t: TestContext) => Promise<void>): void {
  const why = whyNoBrowser();
  if (why && !required) test(title, { skip: why }, () => undefined);
  else test(title, fn);
}

/** Where test hosts can be, they come and go beside the browser: it gets a network of its own, so that it does not notice. */
export async function openBrowser(): Promise<Browser> {
  if (program === undefined) throw new Error('this test needs Chromium');
  const quiet = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  if (whyNoHosts() !== undefined) return chromium.launch({ executablePath: program, args: quiet });
  const way = await wayOut(program);
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({
      executablePath: way.program,
      args: [...quiet, ...way.args],
      env: { ...process.env, ...way.env },
    });
    await way.ready();
    browser.on('disconnected', () => void way.close());
    return browser;
  } catch (error) {
    await browser?.close();
    await way.close();
    throw error;
  }
}

/** Signs the owner in on the dashboard; resolves with the page, on Overview. */
export async function signInAsOwner(
  browser: Browser,
  world: World,
  viewport = { width: 1280, height: 900 },
): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport });
  const page = await context.newPage();
  await page.goto(`${world.url}/`);
  await page.getByLabel('E-mail').fill(world.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(world.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  return page;
}
