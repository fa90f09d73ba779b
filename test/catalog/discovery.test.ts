import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before } from 'node:test';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { serverOnline } from '../world/install-agent.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { carryOut } from './prove.ts';

const POLICY = `${OPEN_POLICY}privileged_reads: [sudoers, cron]
apps:
  shop:
    root: /srv/shop
    unit: shop.service
    port: 8091
`;
const SITE = 'server {\n  listen 127.0.0.1:8092;\n  server_name shop.example;\n  root /srv;\n}\n';

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('discovery', { policy: POLICY });
});
after(async () => ground?.[Symbol.asyncDispose]());

/** As if it had been found a minute earlier, when nobody may look so soon. */
function makeOlder(dataDir: string): void {
  using database = new DatabaseSync(join(dataDir, 'countersign.db'));
  database.exec('UPDATE discovery SET found_at = found_at - 61000');
}

const discover = (refresh: 'never' | 'when_missing' | 'now') =>
  ground.assistant('discoverServices', { server: ground.name, refresh });

hostTest('when a server is looked at for the first time, all that runs there is found', async () => {
  const { host } = ground;
  assert.equal((await discover('never')).at, null, 'nobody has looked yet');
  await host.writeFile('/etc/nginx/sites-enabled/shop', SITE);
  await host.exec(['systemctl', 'restart', 'nginx', 'redis-server', 'postgresql']);
  await host.exec(['mkdir', '-p', '/srv/shop/releases/one']);
  await host.exec(['ln', '-sfn', 'releases/one', '/srv/shop/current']);
  await host.waitFor(['redis-cli', 'ping']);
  await host.waitFor(['pg_isready']);
  const first = await discover('when_missing');
  assert.equal(first.looked, true);
  const has = (kind: string, name: RegExp) => first.found.some((each) => each.kind === kind && name.test(each.name));
  const said = JSON.stringify(first, null, 1);
  assert.ok(has('unit', /^nginx\.service$/), said);
  assert.ok(has('listener', /^tcp 127\.0\.0\.1:8092$/), said);
  assert.ok(has('virtual_host', /^shop\.example$/), said);
  assert.ok(has('database', /^Redis/) && has('database', /^PostgreSQL/), said);
  assert.ok(has('timer', /^logrotate\.timer$/), said);
  assert.ok(has('deploy_root', /^\/srv\/shop$/), said);
  assert.ok(has('runtime', /^perl$/), said);
  assert.equal(first.difference, null);
});

hostTest('when a server is looked at again too soon, the last answer comes with its age', async () => {
  const again = await discover('now');
  assert.equal(again.looked, false);
  assert.ok(again.refresh_in_s > 0 && again.refresh_in_s <= 60);
});

hostTest('when a server was looked at twice, what came, went and changed is told', async () => {
  const { host, world } = ground;
  await host.exec(['systemctl', 'stop', 'redis-server']);
  await host.exec(['mkdir', '-p', '/srv/shop/releases/two']);
  await host.exec(['ln', '-sfn', 'releases/two', '/srv/shop/current']);
  await world.restart('SIGTERM', async () => makeOlder(world.dataDir));
  await serverOnline(world, ground.server);
  const { difference, looked } = await discover('now');
  assert.equal(looked, true);
  assert.ok(difference);
  assert.ok(
    difference.gone.some(({ name }) => name.startsWith('Redis')),
    JSON.stringify(difference),
  );
  assert.deepEqual(
    difference.changed.filter(({ kind }) => kind === 'deploy_root').map(({ was, state }) => [was, state]),
    [['one', 'two']],
  );
});

hostTest('when a deploy is verified, what is well passes, what is not fails, and each says why', async () => {
  const { host, assistant, name } = ground;
  const verify = (input: object) => assistant('verifyDeploy', { server: name, ...input });
  const well = await verify({ unit: 'nginx', url: 'http://127.0.0.1:8092/', port: 8092 });
  assert.equal(well.checks.find(({ check }) => check === 'unit')?.result, 'pass');
  assert.equal(well.checks.find(({ check }) => check === 'http')?.result, 'fail', 'there is no index: 403');
  assert.equal(well.verdict, 'fail');
  await host.writeFile('/srv/index.html', 'hello');
  const mended = await verify({ unit: 'nginx', url: 'http://127.0.0.1:8092/', port: 8092 });
  assert.equal(mended.verdict, 'pass', JSON.stringify(mended.checks));
  const gone = await verify({ app: 'shop' });
  assert.equal(gone.verdict, 'fail');
  assert.match(JSON.stringify(gone.checks), /There is no unit shop\.service/);
  const container = await verify({ container: 'web' });
  assert.equal(container.verdict, 'unknown', 'Docker does not run, so nobody knows');
});

hostTest(
  'when a file is compared with its package, the hash tells, and the text comes where it can be had',
  async () => {
    const { host, assistant, name } = ground;
    const path = '/etc/nginx/nginx.conf';
    const diff = (input: object) => assistant('diffFile', { server: name, path, against: 'package', ...input });
    assert.equal((await diff({})).same, true);
    const { stdout: original } = await host.exec(['cat', path]);
    await host.writeFile(path, original.replace('worker_connections 768', 'worker_connections 42'));
    const changed = await diff({});
    assert.equal(changed.same, false);
    assert.match(changed.against, /not on this server/);
    await host.writeFile(`${path}.dpkg-dist`, original);
    const shown = await diff({});
    assert.match(shown.untrusted_output, /^-\s+worker_connections 768;\n\+\s+worker_connections 42;/m);
    const mended = await carryOut(
      ground,
      { playbook: 'config.set_key' },
      { path, format: 'nginx', section: 'events', key: 'worker_connections', value: '768' },
    );
    assert.equal(mended.state, 'succeeded', JSON.stringify(mended.result));
    const backup = await diff({ against: 'backup' });
    assert.match(backup.untrusted_output, /^-\s+worker_connections 42;\n\+\s+worker_connections 768;/m);
    await host.writeFile('/srv/a.env', 'NAME=shop\nPASSWORD=hunter2hunter2\n');
    await host.writeFile('/srv/b.env', 'NAME=store\nPASSWORD=correct-horse-9\n');
    const secret = await diff({ path: '/srv/a.env', against: 'file', other: '/srv/b.env' });
    assert.equal(secret.same, false);
    assert.match(secret.untrusted_output, /\+NAME=shop/);
    assert.doesNotMatch(secret.untrusted_output, /hunter2|correct-horse/);
  },
);

hostTest(
  'T14: when the owner opens what only root can read, it is read and never written, and keys stay closed',
  async () => {
    const { host, assistant, name } = ground;
    const read = (path: string) => assistant('readFile', { server: name, path });
    assert.match((await read('/etc/sudoers')).untrusted_output, /ALL/);
    await host.exec(['mkdir', '-p', '/var/spool/cron/crontabs']);
    await host.writeFile('/var/spool/cron/crontabs/root', '5 4 * * * /usr/local/bin/backup\n', '0600');
    assert.match((await read('/var/spool/cron/crontabs/root')).untrusted_output, /backup/);
    for (const path of ['/etc/shadow', '/root/.ssh/authorized_keys', '/var/mail/root', '/etc/ssh/ssh_host_ed25519_key'])
      await assert.rejects(read(path), { code: 'path_denied' }, path);
    const write = { server: name, path: '/etc/sudoers', content: 'x', expected_sha256: null };
    await assert.rejects(assistant('writeFile', write), { code: 'path_denied' });
    await ground.tellPolicy(POLICY.replace('privileged_reads: [sudoers, cron]\n', ''));
    await assert.rejects(read('/etc/sudoers'), { code: 'path_denied' });
  },
);

hostTest(
  'when discovery finds nothing that a playbook works on, the playbook is not offered, with the reason',
  async () => {
    const { host, world, assistant, name } = ground;
    const fitOf = async (playbook: string) => {
      const { playbooks } = await assistant('listPlaybooks', { server: name });
      const { fits, does_not_fit_because } = playbooks.find(({ id }) => id === playbook) ?? {};
      return { fits, because: does_not_fit_because };
    };
    assert.equal((await fitOf('deploy.rollback')).fits, true);
    await ground.tellPolicy(OPEN_POLICY);
    await host.exec(['rm', '-r', '/srv/shop', '/etc/nginx/sites-enabled/shop', '/etc/nginx/sites-enabled/default']);
    await world.restart('SIGTERM', async () => makeOlder(world.dataDir));
    await serverOnline(world, ground.server);
    assert.equal((await discover('now')).looked, true);
    assert.deepEqual(await fitOf('deploy.rollback'), { fits: false, because: 'discovery found no deploy root there' });
    assert.deepEqual(await fitOf('nginx.maintenance'), {
      fits: false,
      because: 'discovery found no virtual host there',
    });
    assert.equal((await fitOf('docker.restart')).fits, true, 'Docker could not be asked, which is held against nobody');
  },
);
