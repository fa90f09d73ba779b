import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { carryOut, prove } from './prove.ts';

const ROOT = '/srv/shop';
const PORT = 8090;
const HEALTH = `http://127.0.0.1:${PORT}/healthz`;

const POLICY = `${OPEN_POLICY}apps:
  shop:
    root: ${ROOT}
    unit: shop.service
    health: ${HEALTH}
    version: http://127.0.0.1:${PORT}/version
    version_file: version
    repository: repo
    refs: [main]
`;

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('deploys', { policy: POLICY });
  await installShop(ground.host);
});
after(async () => ground?.[Symbol.asyncDispose]());

/** Runs a program as the user that the shop belongs to. */
const asShop = (host: Host, argv: readonly string[]) => host.exec(['runuser', '-u', 'shop', '--', ...argv]);
const git = (host: Host, folder: string, ...words: string[]) =>
  asShop(host, ['git', '-C', folder, '-c', 'user.name=shop', '-c', 'user.email=shop@localhost', ...words]);

/**
 * An app of files: a small web server serves the current release, which is well when it has a file healthz. It is started when it
 * answers, since it is looked at a second later.
 */
async function installShop(host: Host): Promise<void> {
  await host.exec(['useradd', '--system', '--home-dir', ROOT, '--create-home', 'shop']);
  await asShop(host, ['mkdir', '-p', `${ROOT}/releases`]);
  const answers = `busybox wget -q -O /dev/null http://127.0.0.1:${PORT}/version`;
  const lines = [
    ...['[Unit]', 'StartLimitIntervalSec=0', '[Service]', 'User=shop', `WorkingDirectory=${ROOT}/current`],
    `ExecStart=/bin/busybox httpd -f -p 127.0.0.1:${PORT} -h .`,
    `ExecStartPost=/bin/sh -c 'until ${answers}; do sleep 0.05; done'`,
  ];
  await host.writeFile('/etc/systemd/system/shop.service', `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
}

async function release(host: Host, name: string, { well }: { readonly well: boolean }): Promise<void> {
  const folder = `${ROOT}/releases/${name}`;
  await asShop(host, ['mkdir', '-p', folder]);
  await asShop(host, ['sh', '-c', `printf ${name} >${folder}/version; rm -f ${folder}/healthz`]);
  if (well) await asShop(host, ['touch', `${folder}/healthz`]);
}

/** What a deploy does: the link, and the unit anew. */
async function deployed(host: Host, name: string): Promise<void> {
  await asShop(host, ['ln', '-sfnT', `releases/${name}`, `${ROOT}/current`]);
  await host.exec(['systemctl', 'restart', 'shop']);
}

const currentOf = async (host: Host) => (await host.exec(['readlink', `${ROOT}/current`])).stdout.trim();
const served = async (host: Host) =>
  (await host.exec(['busybox', 'wget', '-q', '-O', '-', `http://127.0.0.1:${PORT}/version`])).stdout.trim();

prove(() => ground, {
  playbook: 'deploy.rollback',
  when: 'the release that was deployed last does not answer as it should',
  async breakIt(host) {
    await release(host, '20261120', { well: true });
    await release(host, '20261121', { well: false });
    await deployed(host, '20261121');
  },
  sees: { diagnostic: 'deploy', parameters: { app: 'shop' }, kind: 'deploy.unhealthy' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await currentOf(host), 'releases/20261120');
    assert.equal(await served(host), '20261120');
  },
  spoil: {
    how: 'the earlier release is broken by now as well',
    async breakIt(host) {
      await release(host, '20261120', { well: false });
      await release(host, '20261121', { well: true });
      await deployed(host, '20261121');
    },
    undo: 'done',
    async undone(host) {
      assert.equal(await currentOf(host), 'releases/20261121');
      assert.equal(await served(host), '20261121');
    },
  },
  clear: (host) => host.exec(['sh', '-c', `rm -rf ${ROOT}/releases/* ${ROOT}/current`]),
});

const ORIGIN = '/srv/shop/origin.git';
const WORK = '/srv/shop/work';

/** A commit of the shop on branch main of its origin; returns its id. */
async function commit(host: Host, version: string, { well }: { readonly well: boolean }): Promise<string> {
  await asShop(host, [
    'sh',
    '-c',
    `cd ${WORK} && printf ${version} >version && rm -f healthz && ${well ? 'touch healthz' : 'true'}`,
  ]);
  await git(host, WORK, 'add', '--all');
  await git(host, WORK, 'commit', '--quiet', '--message', version);
  await git(host, WORK, 'push', '--quiet', 'origin', 'HEAD:main');
  return (await git(host, WORK, 'rev-parse', 'HEAD')).stdout.trim();
}

let first = '';
let second = '';

prove(() => ground, {
  playbook: 'deploy.pull_restart',
  when: 'what runs is behind its source',
  async breakIt(host) {
    await asShop(host, ['git', 'init', '--quiet', '--bare', '--initial-branch=main', ORIGIN]);
    await asShop(host, ['git', 'clone', '--quiet', ORIGIN, WORK]);
    first = (await commit(host, 'one', { well: true })).slice(0, 12);
    await asShop(host, ['git', 'clone', '--quiet', '--bare', ORIGIN, `${ROOT}/repo`]);
    await git(host, `${ROOT}/repo`, 'worktree', 'add', '--quiet', '--detach', `${ROOT}/releases/${first}`, 'main');
    await deployed(host, first);
    second = (await commit(host, 'two', { well: true })).slice(0, 12);
  },
  sees: { diagnostic: 'deploy', parameters: { app: 'shop' }, kind: 'deploy.behind' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await currentOf(host), `releases/${second}`);
    assert.equal(await served(host), 'two');
    const { stdout } = await host.exec(['stat', '--format=%U', `${ROOT}/releases/${second}/version`]);
    assert.equal(stdout.trim(), 'shop', 'git ran as root in a clone that is not its own');
  },
  spoil: {
    how: 'the new commit does not answer as it should',
    breakIt: (host) => commit(host, 'three', { well: false }),
    undo: 'done',
    async undone(host) {
      assert.equal(await currentOf(host), `releases/${second}`);
      assert.equal(await served(host), 'two');
      const { stdout } = await host.exec(['ls', `${ROOT}/releases`]);
      assert.deepEqual(stdout.trim().split('\n').sort(), [first, second].sort());
    },
  },
});

hostTest('when nothing can be fetched, the app that runs is left alone', async () => {
  const { host } = ground;
  const pid = async () => (await host.exec(['systemctl', 'show', '--property=MainPID', '--value', 'shop'])).stdout;
  const before = [await pid(), await currentOf(host)];
  await commit(host, 'four', { well: true });
  // The origin still tells where main stands, and cannot give what lies there.
  const blob = (await git(host, WORK, 'rev-parse', 'HEAD:version')).stdout.trim();
  await host.exec(['rm', '-f', `${ORIGIN}/objects/${blob.slice(0, 2)}/${blob.slice(2)}`]);
  const ended = await carryOut(ground, { playbook: 'deploy.pull_restart' }, { app: 'shop', ref: 'main', watch: '1s' });
  assert.deepEqual([ended.state, ended.result?.undo.state], ['failed', 'done'], JSON.stringify(ended.result));
  assert.match(ended.result?.steps[0]?.summary ?? '', /^git .*exit code/);
  assert.deepEqual([await pid(), await currentOf(host)], before);
});
