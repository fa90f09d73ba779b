/** Around the tests of one file: a browser and a world for all of them, and the windows that a test opens there. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openBrowser, whyNoBrowser } from '../world/browser.ts';
import { startWorld, type World, type WorldOptions } from '../world/world.ts';
import { desk, type Look, openPage, openWindow, type SignedIn } from './pages.ts';

export interface Dashboard {
  readonly browser: Browser;
  readonly world: World;
  /** The owner, signed in. */
  readonly state: SignedIn;
}

export interface Windows {
  /** A page in a window of its own, nowhere yet. At the desk unless told; the owner's unless told, and nobody's with `null`. */
  blank(look?: Look, who?: SignedIn | null): Promise<Page>;
  /** The same at a path of the dashboard. */
  open(path: string, look?: Look, who?: SignedIn | null): Promise<Page>;
}

/**
 * Starts a browser and a world before the tests of a file and ends them after. `prepare` makes what else they need; what it leaves
 * to `later` ends before the world does, the newest first.
 */
export function aroundTests(
  prepare: (dashboard: Dashboard, later: AsyncDisposableStack) => void | Promise<void>,
  options?: WorldOptions,
): Windows {
  const later = new AsyncDisposableStack();
  let dashboard: Dashboard | undefined;
  before(async () => {
    if (whyNoBrowser()) return;
    const { browser, world } = await startBoth(options);
    later.use(world);
    later.defer(() => browser.close());
    dashboard = { browser, world, state: await signInOnce(browser, world) };
    await prepare(dashboard, later);
  });
  after(() => later.disposeAsync());
  const blank: Windows['blank'] = async (look = desk, who = dashboard?.state ?? null) => {
    assert.ok(dashboard, 'a window is opened once there is a browser');
    return openPage(await openWindow(dashboard.browser, look, who ?? undefined));
  };
  const open: Windows['open'] = async (path, look, who) => {
    const page = await blank(look, who);
    await page.goto(`${dashboard?.world.url}${path}`);
    return page;
  };
  return { blank, open };
}

/** At the same time. Neither is left behind when the other cannot be had. */
async function startBoth(options?: WorldOptions): Promise<Pick<Dashboard, 'browser' | 'world'>> {
  const [opened, started] = await Promise.allSettled([openBrowser(), startWorld(options)]);
  if (opened.status === 'fulfilled' && started.status === 'fulfilled')
    return { browser: opened.value, world: started.value };
  if (opened.status === 'fulfilled') await opened.value.close();
  if (started.status === 'fulfilled') await started.value[Symbol.asyncDispose]();
  throw opened.status === 'rejected' ? opened.reason : (started as PromiseRejectedResult).reason;
}

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
