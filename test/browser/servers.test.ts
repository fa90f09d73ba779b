/** Servers in the dashboard: added by one command, watched while they arrive, looked into, set, removed. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { browserTest } from '../world/browser.ts';
import { eventually } from '../world/eventually.ts';
import { compiled, node, projectFolder } from '../world/places.ts';
import type { World } from '../world/world.ts';
import { aroundTests } from './dashboard.ts';
import { closeWindow, confirm, mustBeSound, phone } from './pages.ts';

const run = promisify(execFile);
const program = join(projectFolder, 'agent/src/main.ts');
let world: World;
let stateDir: string;
let link: ChildProcess | undefined;
const { open } = aroundTests(async (dashboard, later) => {
  ({ world } = dashboard);
  stateDir = await mkdtemp(join(tmpdir(), 'countersign-agent-'));
  later.defer(() => rm(stateDir, { recursive: true, force: true, maxRetries: 5 }));
  later.defer(endLink);
  await writeFile(join(stateDir, 'policy.yaml'), 'mode: act\n', { mode: 0o644 });
});

async function endLink(): Promise<void> {
  if (!link || link.exitCode !== null || link.signalCode !== null) return;
  const ended = once(link, 'exit');
  link.kill('SIGTERM');
  await ended;
}

browserTest('when a server is added, one command enrols it and the ladder shows how far it came', async () => {
  const page = await open('/servers', phone);
  await page.getByText('No servers yet').waitFor();
  await page.getByRole('link', { name: 'Add a server' }).first().click();
  await page.getByLabel('Name').fill('Web 1');
  await page.getByText('Lower-case letters, digits, dots and dashes').waitFor();
  await page.getByLabel('Name').fill('web-1');
  await page.getByLabel('Labels').fill('env=prod, role');
  await page.getByText('Write name=value').waitFor();
  await page.getByLabel('Labels').fill('env=prod, role=web');
  await page.getByRole('button', { name: 'Make the install command' }).click();
  const command = (await page.getByRole('region', { name: 'Install command' }).textContent()) ?? '';
  await page.getByText('Waiting for the server…').waitFor();
  await mustBeSound(page, 'install command');
  const word = (name: string) => new RegExp(`--${name} (\\S+)`).exec(command)?.[1] ?? '';
  const words = ['--url', world.url, '--cp-key', word('cp-key'), '--token', word('token'), '--state', stateDir];
  await run(node, [program, 'enroll', ...words]);
  link = spawn(node, [program, 'link', '--state', stateDir], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ...compiled },
  });
  await page.getByText('web-1 is ready.').waitFor();
  await mustBeSound(page, 'finished ladder');
  await page.getByRole('link', { name: 'Open it' }).click();
  await page.getByText('What the server itself allows').waitFor();
  await page.getByText('This server trusts the control plane').waitFor();
  await page.getByText('env=prod').waitFor();
  await closeWindow(page);
});

browserTest(
  'when somebody looks what runs on a server, it is listed by kind, and a second look too soon says so',
  async () => {
    const page = await open('/servers/web-1', phone);
    await page.getByText('Nobody has looked yet.').waitFor();
    await page.getByRole('button', { name: 'Look now' }).click();
    await page.getByText(/^\d+ runtimes?$/).click();
    await page.getByText('/usr/bin/', { exact: false }).first().waitFor();
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText(/It was looked at a moment ago; it can be again in \d+ seconds?\./).waitFor();
    await mustBeSound(page, 'what runs there');
    await closeWindow(page);
  },
);

browserTest('when nothing calls for 20 seconds, the page tells the usual causes and a self-test', async () => {
  const page = await open('/servers/add');
  await page.clock.install();
  await page.getByLabel('Name').fill('web-2');
  await page.getByRole('button', { name: 'Make the install command' }).click();
  await page.getByText('Waiting for the server…').waitFor();
  await page.clock.fastForward(21_000);
  await page.getByText('Nothing has called yet').waitFor();
  await page.getByText(`${world.url}/healthz; date -u`).waitFor();
  await closeWindow(page);
});

browserTest('when a description is given, what was found is shown, worst first', async () => {
  const page = await open('/servers/web-1?tab=diagnose');
  await page.getByLabel('What is wrong?').fill('disk is full in /etc/ssl, everything is slow');
  await page.getByRole('button', { name: 'Diagnose', exact: true }).click();
  await page.getByText(/stands? out/).waitFor();
  await page.getByText('The biggest folder below /etc/ssl').waitFor();
  await mustBeSound(page, 'findings');
  await page.getByText('Choose diagnostics').click();
  await page.getByRole('checkbox', { name: /^overview/ }).uncheck();
  await page.getByRole('checkbox', { name: /^disk/ }).check();
  await page.getByLabel(/^path\b/).fill('/etc/ssl');
  await page.getByLabel(/^top\b/).fill('3');
  await mustBeSound(page, 'diagnostics by name');
  await page.getByRole('button', { name: 'Diagnose', exact: true }).click();
  // What was found before goes first: its figures are not those that are waited for.
  await page.getByText('overview: “slow”').waitFor({ state: 'detached' });
  await page.getByText('All figures').click();
  await page
    .getByText(/^disk$/)
    .last()
    .waitFor();
  await closeWindow(page);
});

browserTest('when thresholds are changed, the server keeps them; nonsense is refused in place', async () => {
  const page = await open('/servers/web-1?tab=settings');
  await page.getByLabel('Disk full above').fill('900');
  assert.equal(await page.getByRole('button', { name: 'Save' }).isDisabled(), true);
  await page.getByLabel('Disk full above').fill('75');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { thresholds } = await world.owner('getServerStatus', { server: 'web-1' });
  assert.equal(thresholds.diskUsedRatio, 0.75);
  await closeWindow(page);
});

browserTest('when a playbook only reads, it runs at once and its findings are shown', async () => {
  const page = await open('/servers/web-1?tab=playbooks');
  await page.getByRole('button', { name: /^Run web\.down/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Reads only: it runs at once.').waitFor();
  await dialog.getByRole('button', { name: 'Run', exact: true }).click();
  await dialog.getByText(/stands? out/).waitFor();
  await mustBeSound(page, 'findings of a playbook');
  await closeWindow(page);
});

browserTest(
  'when a playbook of the own folder gets broken, the page tells where, and its versions tell who wrote what',
  async () => {
    const file = join(world.dataDir, 'playbooks/shop.yaml');
    const text = (settle: string) =>
      `id: shop.look\nversion: 1\ntitle: Look at the shop ${settle}\nsummary: Reads only.\ndiagnostics:\n  - diagnostic: overview\n`;
    await mkdir(join(world.dataDir, 'playbooks'), { recursive: true });
    const title = async (wanted: string) =>
      eventually(`the title ${wanted}`, async () =>
        (await world.owner('getPlaybook', { playbook: 'shop.look' })).title.includes(wanted),
      );
    await writeFile(file, text('once'));
    await title('once');
    await writeFile(file, text('again'));
    await title('again');
    await writeFile(file, text('again').replace('overview', 'everything'));
    await eventually('the problem', async () => (await world.owner('listPlaybookProblems', {})).problems.length > 0);
    const page = await open('/playbooks');
    await page.getByText(/shop\.yaml:6:\d+: /).waitFor();
    await mustBeSound(page, 'playbooks with a problem');
    await page.goto(`${world.url}/playbooks/shop.look`);
    await page.getByText(`written by ${userInfo().username}`).first().click();
    await page.getByText('Look at the shop again', { exact: false }).last().waitFor();
    await mustBeSound(page, 'versions of a playbook');
    await closeWindow(page);
  },
);

browserTest('when an agent goes away, its server turns offline without a reload', async () => {
  const page = await open('/servers');
  await page.getByText('Online', { exact: true }).last().waitFor();
  assert.ok(link);
  await endLink();
  await page.getByRole('link', { name: /web-1.*Offline/s }).waitFor();
  await closeWindow(page);
});

browserTest('when a server is removed, it is asked once more, and the server is gone', async () => {
  const page = await open('/servers/web-2?tab=settings');
  await page.getByRole('button', { name: 'Remove web-2' }).click();
  await mustBeSound(page, 'question before removing');
  await confirm(page, 'Remove');
  await page.getByRole('heading', { level: 1, name: 'Servers' }).waitFor();
  await page.getByRole('link', { name: /web-1/ }).waitFor();
  await page.getByRole('link', { name: /web-2/ }).waitFor({ state: 'detached' });
  await closeWindow(page);
});
