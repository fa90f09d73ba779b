/** What an open page knows of the world: it says when it is cut off, and catches up when it is back. */
import assert from 'node:assert/strict';
import { delay, systemClock } from '@countersign/protocol';
import type { Route } from 'playwright-core';
import { browserTest } from '../world/browser.ts';
import type { World } from '../world/world.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, mustBeQuiet, mustBeSound } from './pages.ts';

let world: World;
const { blank, open } = aroundTests((dashboard) => {
  ({ world } = dashboard);
});

browserTest('when the control plane falls silent, the page says within seconds that it may be old', async () => {
  const page = await open('/servers');
  await page.getByText('No servers yet').waitFor();
  // Stopped, not ended: its connections stay, and nothing comes over them any more.
  process.kill(world.pid, 'SIGSTOP');
  try {
    await page.getByText('No live updates since').waitFor({ timeout: 25_000 });
  } finally {
    process.kill(world.pid, 'SIGCONT');
  }
  await world.owner('addServer', { name: 'web-1' });
  await page.getByText('No live updates since').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: /web-1/ }).waitFor();
  // All of it is said on the page: nothing is left for the console.
  await mustBeSound(page, 'page that was cut off');
  await closeWindow(page);
});

browserTest(
  'when something changes after a page was read and before its live updates begin, the page shows it',
  async () => {
    const page = await blank();
    const changed = Promise.withResolvers<void>();
    await page.route('**/api/v1/events', async (route) => {
      await changed.promise;
      await route.continue();
    });
    await world.owner('addServer', { name: 'web-read' });
    await page.goto(`${world.url}/servers`);
    await page.getByRole('link', { name: /web-read/ }).waitFor();
    await world.owner('addServer', { name: 'web-early' });
    changed.resolve();
    await page.getByRole('link', { name: /web-early/ }).waitFor();
    await closeWindow(page);
  },
);

browserTest('when somebody else changes what has no event of its own, an open page shows it by itself', async () => {
  const email = 'grace@example.org';
  const server = 'web-renewed';
  await world.owner('addServer', { name: server });
  const changes = [
    ['/people', 'people', email, () => world.owner('invitePerson', { email, name: 'Grace', role: 'viewer' })],
    ['/tokens', 'tokens', 'nightly', () => world.owner('createToken', { name: 'nightly', scope: 'read' })],
    ['/alerts', 'hooks', 'nightwatch', () => world.owner('createHook', { name: 'nightwatch', kind: 'grafana' })],
    ['/audit', 'audit', 'server.enrolment_renewed', () => world.owner('renewEnrolment', { server })],
  ] as const;
  for (const [path, list, text, change] of changes) {
    const page = await blank();
    const isList = (url: string) => new URL(url).pathname === `/api/v1/${list}`;
    const read = page.waitForResponse((response) => isList(response.url()));
    await page.goto(world.url + path);
    await (await read).finished();
    await change();
    await page.getByText(text).first().waitFor();
    mustBeQuiet(page, path);
    await closeWindow(page);
  }
});

browserTest(
  'when a list is read before changes and arrives after the news of them, the page reads it again, not once for each',
  async () => {
    const page = await blank();
    const isList = ({ pathname }: URL) => pathname === '/api/v1/servers';
    const held = Promise.withResolvers<Route>();
    await page.route(isList, held.resolve, { times: 1 });
    const asked = page.waitForRequest((request) => isList(new URL(request.url())));
    const frameRead = page.waitForResponse('**/api/v1/overview');
    await page.goto(`${world.url}/servers`);
    await asked;
    const list = await held.promise;
    const old = await list.fetch();
    await frameRead;
    const changes = [1, 2, 3, 4, 5].map((n) => `web-late-${n}`);
    const { servers } = await world.owner('getOverview', {});
    for (const [index, name] of changes.entries()) {
      // The frame of the page is read again once the news is there.
      const frameCounts = page.waitForResponse(
        async (response) =>
          response.url().endsWith('/api/v1/overview') &&
          (await response.json()).servers.awaiting_agent > servers.awaiting_agent + index,
      );
      await world.owner('addServer', { name });
      await frameCounts;
    }
    let again = 0;
    page.on('request', (request) => {
      if (isList(new URL(request.url()))) again += 1;
    });
    await list.fulfill({ response: old });
    await page.getByRole('link', { name: /web-late-5/ }).waitFor();
    assert.ok(again < changes.length, `read ${again} times more`);
    await closeWindow(page);
  },
);

browserTest('when news come faster than a list is answered, the page shows the list all the same', async () => {
  const page = await open('/servers');
  await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor();
  await page.route(
    ({ pathname }) => pathname === '/api/v1/servers',
    async (route) => {
      const response = await route.fetch();
      await delay(systemClock, 1000);
      // The page may have given it up.
      await Promise.allSettled([route.fulfill({ response })]);
    },
  );
  const server = 'web-storm';
  await world.owner('addServer', { name: server });
  let over = false;
  const storm = async () => {
    const pause = () => delay(systemClock, 100);
    while (!over) await Promise.all([world.owner('setThresholds', { server, thresholds: {} }), pause()]);
  };
  const news = storm();
  try {
    await page.getByRole('link', { name: /web-storm/ }).waitFor();
  } finally {
    over = true;
    await news;
  }
  await closeWindow(page);
});

browserTest('when the control plane was started anew, the page reads everything again by itself', async () => {
  const page = await open('/servers');
  await page.getByRole('link', { name: /web-1/ }).waitFor();
  await world.restart();
  await world.owner('addServer', { name: 'web-2' });
  await page.getByRole('link', { name: /web-2/ }).waitFor();
  await world.owner('addServer', { name: 'web-3' });
  await page.getByRole('link', { name: /web-3/ }).waitFor();
  mustBeQuiet(page, 'page that is back');
  await closeWindow(page);
});
