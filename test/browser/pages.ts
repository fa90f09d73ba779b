/** The dashboard as a test meets it: signed-in pages that remember every complaint of the browser, and what must hold of each. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { openBrowser } from '../world/browser.ts';
import { startWorld, type World, type WorldOptions } from '../world/world.ts';

export interface Look {
  readonly width: number;
  readonly theme: 'light' | 'dark';
}

export const phone: Look = { width: 360, theme: 'light' };
export const desk: Look = { width: 1280, theme: 'light' };
/** Every page is looked at in all of these: each width and each theme once, since widths move things and themes colour them. */
export const looks: readonly Look[] = [phone, { ...desk, theme: 'dark' }];

const complaints = new WeakMap<Page, string[]>();

/** A browser window of this look. Motion is off, so that nothing is judged half way. */
export function openWindow(browser: Browser, look: Look, state?: SignedIn): Promise<BrowserContext> {
  return browser.newContext({
    viewport: { width: look.width, height: 800 },
    colorScheme: look.theme,
    reducedMotion: 'reduce',
    hasTouch: look.width < 500,
    ignoreHTTPSErrors: true,
    ...(state ? { storageState: state } : {}),
  });
}

/** A page that remembers errors of scripts, warnings, and what the content security policy blocked. */
export async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  const heard: string[] = [];
  complaints.set(page, heard);
  page.on('pageerror', (error) => heard.push(String(error)));
  page.on('console', (message) => {
    // That an answer was 4xx is told on the page; the browser's own line about it is no defect.
    if (/error|warning/.test(message.type()) && !message.text().startsWith('Failed to load resource'))
      heard.push(message.text());
  });
  return page;
}

export type SignedIn = Awaited<ReturnType<BrowserContext['storageState']>>;

/** Signs in once, for many windows. By the operator API, not by the page: how that looks is shown in `first-run.test.ts`. */
export async function signInOnce(browser: Browser, { url, email, password }: World): Promise<SignedIn> {
  const context = await openWindow(browser, desk);
  const answer = await context.request.post(`${url}/api/v1/session`, {
    headers: { 'x-countersign': '1' },
    data: { email, password },
  });
  assert.ok(answer.ok(), await answer.text());
  const state = await context.storageState();
  await context.close();
  return state;
}

export interface Dashboard {
  readonly browser: Browser;
  readonly world: World;
  /** The owner, signed in. */
  readonly state: SignedIn;
}

/** A browser and a world, started at the same time. Neither is left behind when the other cannot be had. */
export async function startDashboard(options?: WorldOptions): Promise<Dashboard> {
  const [opened, started] = await Promise.allSettled([openBrowser(), startWorld(options)]);
  if (opened.status === 'fulfilled' && started.status === 'fulfilled') {
    const [browser, world] = [opened.value, started.value];
    return { browser, world, state: await signInOnce(browser, world) };
  }
  if (opened.status === 'fulfilled') await opened.value.close();
  if (started.status === 'fulfilled') await started.value[Symbol.asyncDispose]();
  throw opened.status === 'rejected' ? opened.reason : (started as PromiseRejectedResult).reason;
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
let axeSource: Promise<string> | undefined;

interface Violation {
  id: string;
  nodes: { target: unknown[]; failureSummary?: string }[];
}

/** Nothing that axe finds, nothing cut off at the side, nothing that the browser complained about. */
export async function mustBeSound(page: Page, name: string): Promise<void> {
  axeSource ??= readFile(axe, 'utf8');
  // Over half a megabyte: a page that has it already is not sent it again.
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(await axeSource);
  // A dialog that is on its way out is smaller than it was: what can be tapped is measured when it is gone.
  await page.evaluate(`Promise.all(document.getAnimations()
       .filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished.catch(() => {})))`);
  const found = await page.evaluate<Violation[]>(
    `axe.run(document, { resultTypes: ['violations'],
         runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
       .then((result) => result.violations)`,
  );
  const said = found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  assert.deepEqual(said, [], `axe on ${name}`);
  const beyond = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  assert.equal(beyond, 0, `${name} scrolls sideways`);
  mustBeQuiet(page, name);
}

/**
 * Presses a button of the open dialog and waits until the dialog is gone: it closes when the control plane has answered. What lies
 * behind an open dialog has no role, so that to wait for a row of the page to go would be to wait for nothing.
 */
export async function confirm(page: Page, verb: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
  await dialogGone(page);
}

/** Resolves when no dialog is open and what lay behind it has its roles again, which comes a moment later. */
export async function dialogGone(page: Page): Promise<void> {
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('heading', { level: 1 }).first().waitFor();
}

/** The browser had nothing to complain about so far. */
export function mustBeQuiet(page: Page, name: string): void {
  assert.deepEqual(complaints.get(page), [], `the browser complains on ${name}`);
}

/** Forgets what was complained about so far: for a part in which the control plane is away on purpose. */
export function forgive(page: Page): void {
  complaints.get(page)?.splice(0);
}
