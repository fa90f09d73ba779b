/** Every page, at 360 and 1280 pixels, light and dark: sound for axe, nothing cut off, no complaint of the browser. And the budget. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { browserTest } from '../world/browser.ts';
import { startLocalAgent } from '../world/local-agent.ts';
import { projectFolder } from '../world/places.ts';
import type { World } from '../world/world.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, looks, mustBeSound } from './pages.ts';

let world: World;
let action: string;
const { blank, open } = aroundTests(async (dashboard, later) => {
  ({ world } = dashboard);
  later.use(await startLocalAgent(world, 'web-1', { policy: 'mode: act\nmax_risk: critical\ncommands: true\n' }));
  await world.owner('addServer', { name: 'web-2', labels: { env: 'prod' } });
  await world.owner('createHook', { name: 'Prod', kind: 'alertmanager' });
  await world.owner('invitePerson', { email: 'bo@example.org', name: 'Bo', role: 'approver' });
  const asked = await world.as(await world.token())('runCommand', {
    server: 'web-1',
    argv: ['true'],
    reason: 'To see.',
  });
  action = asked.action?.id ?? '';
});

/** Address → what shows that its data has come. */
const pages: Readonly<Record<string, string>> = {
  '/': 'First steps',
  '/inbox': 'Run true',
  '/actions': 'Run true',
  '/actions/{action}': 'Exactly what runs',
  '/actions/act_000000000000': 'There is no action',
  '/servers': 'web-2',
  '/servers/add': 'Make the install command',
  '/servers/web-1': 'What the server itself allows',
  '/servers/web-2': 'No agent has called yet',
  '/servers/nowhere': 'There is no server',
  '/servers/web-1?tab=diagnose': 'What is wrong?',
  '/servers/web-1?tab=playbooks': 'disk.clean_tmp',
  '/servers/web-1?tab=history': 'Run true',
  '/servers/web-1?tab=settings': 'Disk full above',
  '/playbooks': 'disk.clean_tmp',
  '/playbooks/disk.clean_tmp': 'The folder to clean.',
  '/alerts': 'Prod',
  '/policy': 'What would happen if…',
  '/lock': 'There is no lock yet',
  '/audit': 'person.signed_in',
  '/connect': 'claude mcp add',
  '/telegram': 'No bot is set up yet',
  '/tokens': 'assistant request',
  '/people': 'bo@example.org',
  '/account': 'Single-key shortcuts',
  '/sign-in': 'Password',
  '/invitation': 'needs the secret of the invitation',
  '/nowhere': 'There is no page at this address',
};

for (const look of looks)
  browserTest(
    `when any page is shown ${look.width} pixels wide and ${look.theme}, nothing is wrong with it`,
    async () => {
      const page = await blank(look);
      for (const [address, sign] of Object.entries(pages)) {
        const path = address.replace('{action}', action);
        await page.goto(world.url + path);
        await page.getByText(sign).first().waitFor();
        assert.equal(await page.locator('html').getAttribute('data-theme'), look.theme);
        await mustBeSound(page, path);
      }
      await closeWindow(page);
    },
  );

browserTest('when a page is opened before any script of it ran, it already has its theme', async () => {
  const page = await open('/account');
  await page.getByText('Dark', { exact: true }).click();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await page.route('**/assets/*.js', (route) => route.abort());
  await page.goto(`${world.url}/account`, { waitUntil: 'commit' });
  await page.locator('html[data-theme="dark"]').waitFor({ state: 'attached' });
  await closeWindow(page);
});

test('when the dashboard is loaded for the first time, it is at most 180 kB of script, and 60 kB for a page more', async () => {
  const dist = join(projectFolder, 'web/dist');
  const size = async (name: string) => gzipSync(await readFile(join(dist, name))).length;
  const html = await readFile(join(dist, 'index.html'), 'utf8');
  assert.doesNotMatch(html, /<script(?![^>]*src)/, 'no script may stand in the page itself');
  const first = [...html.matchAll(/\/(assets\/[\w.-]+\.js|theme\.js)"/g)].map(([, name]) => name ?? '');
  let whole = 0;
  for (const name of first) whole += await size(name);
  assert.ok(first.length > 1 && whole <= 180_000, `${whole} bytes in ${first.join(', ')}`);
  for (const name of await readdir(join(dist, 'assets')))
    if (name.endsWith('.js') && !first.includes(`assets/${name}`))
      assert.ok((await size(`assets/${name}`)) <= 60_000, name);
});
