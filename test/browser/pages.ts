/** Pages of the dashboard as a test meets them: they remember every complaint of the browser, and this is what must hold of each. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface Look {
  readonly width: number;
  readonly theme: 'light' | 'dark';
}

export const phone: Look = { width: 360, theme: 'light' };
export const desk: Look = { width: 1280, theme: 'light' };
/** Every page is looked at in all of these: each width and each theme once, since widths move things and themes colour them. */
export const looks: readonly Look[] = [phone, { ...desk, theme: 'dark' }];

const complaints = new WeakMap<Page, string[]>();

/** Longest that a page is waited for: several things may stand still for seconds, one after the other. */
const PATIENCE_MS = 60_000;

/** A browser window of this look. Motion is off, so that nothing is judged half way. */
export async function openWindow(browser: Browser, look: Look, state?: SignedIn): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: 800 },
    colorScheme: look.theme,
    reducedMotion: 'reduce',
    hasTouch: look.width < 500,
    ignoreHTTPSErrors: true,
    ...(state ? { storageState: state } : {}),
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
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

/** Closes the window of a page. News may have it ask for something just then: nobody waits for that any more. */
export async function closeWindow(page: Page): Promise<void> {
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.context().close();
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

/** What is on screen listens to keys, and has taken what it was answered, a moment after it is there: when the page has nothing left to do. */
export async function listens(page: Page): Promise<void> {
  await page.evaluate('new Promise((idle) => requestIdleCallback(() => idle()))');
}

/** The browser had nothing to complain about so far. */
export function mustBeQuiet(page: Page, name: string): void {
  assert.deepEqual(complaints.get(page), [], `the browser complains on ${name}`);
}

/** Forgets what was complained about so far: for a part in which the control plane is away on purpose. */
export function forgive(page: Page): void {
  complaints.get(page)?.splice(0);
}
