import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { appsSchema } from '@countersign/agent/capabilities/deploys/app';
import { discoverServices } from '@countersign/agent/capabilities/discovery/discover';
import { findDatabases } from '@countersign/agent/capabilities/discovery/find-databases';
import { findDeployRoots } from '@countersign/agent/capabilities/discovery/find-deploy-roots';
import { findRuntimes } from '@countersign/agent/capabilities/discovery/find-runtimes';
import { unitsFrom } from '@countersign/agent/capabilities/discovery/find-units';
import { virtualHostsIn } from '@countersign/agent/capabilities/discovery/find-virtual-hosts';
import { md5In } from '@countersign/agent/capabilities/files/packaged-default';
import { discoverySchema, fault } from '@countersign/protocol';
import { cpuMs } from '../../../test/world/cpu-ms.ts';
import { Place } from './context.ts';

test('when units are listed, all names are kept, and those that run, failed or start at boot are shown', () => {
  const loaded = [
    'cron.service loaded active running Regular background program processing daemon',
    '● shop.service loaded failed failed The shop',
    'gone.service not-found inactive dead gone.service',
    'systemd-journald.service loaded active running Journal Service',
    'oneshot.service loaded active exited Done',
  ].join('\n');
  const files = 'cron.service enabled enabled\nlate.service enabled enabled\ngetty@.service enabled enabled\nodd\n';
  const { names, notable } = unitsFrom(loaded, files);
  assert.deepEqual(names, [
    'cron.service',
    'late.service',
    'odd',
    'oneshot.service',
    'shop.service',
    'systemd-journald.service',
  ]);
  assert.deepEqual(
    notable.map(({ name, state }) => `${name} ${state}`),
    ['cron.service active', 'late.service inactive', 'shop.service failed'],
  );
});

test('when nginx prints its configuration, its virtual hosts are found, and what is no web server is not', () => {
  const dump = `# configuration file /etc/nginx/nginx.conf:
events {}
stream { server { listen 53; } }
http {
  include sites-enabled/*;
  server { listen 8080; server_name a.example b.example; }
}
# configuration file /etc/nginx/sites-enabled/default:
server {
  listen 80 default_server;
  server_name _;
}
# configuration file /etc/nginx/mime.types:
types { text/html html; }
# configuration file /etc/nginx/broken:
server { "
`;
  assert.deepEqual(
    virtualHostsIn(dump).map(({ name }) => name),
    ['a.example b.example', '_ on 80 default_server'],
  );
  assert.deepEqual(virtualHostsIn('nothing of the kind'), []);
});

test('T13: when nginx has a list of very many addresses, its virtual hosts are found within seconds', () => {
  const denied = Array.from({ length: 40_000 }, (_, n) => `deny 10.${n >> 16}.${(n >> 8) & 255}.${n & 255};`).join(
    '\n',
  );
  const dump = `# configuration file /etc/nginx/nginx.conf:\nhttp {\n${denied}\nserver { server_name a.example; }\n}\n`;
  const from = cpuMs();
  assert.deepEqual(
    virtualHostsIn(dump).map(({ name }) => name),
    ['a.example'],
  );
  assert.ok(cpuMs() - from < 2000, `${Math.round(cpuMs() - from)} ms`);
});

test('when folders look like deploys, they are found, declared or not', () => {
  using place = new Place();
  for (const name of ['shop', 'blog']) {
    mkdirSync(place.at(`${name}/releases/one`), { recursive: true });
    symlinkSync('releases/one', place.at(`${name}/current`));
  }
  mkdirSync(place.at('other/releases'), { recursive: true });
  const rules = { readRoots: [], writeRoots: [], apps: appsSchema.parse({ shop: { root: place.at('shop') } }) };
  assert.deepEqual(findDeployRoots(rules, [place.root, '/nowhere']), [
    { name: place.at('shop'), state: 'one', detail: 'app shop' },
    { name: place.at('blog'), state: 'one', detail: 'not declared under apps' },
  ]);
});

test('T16: when others than root could have put a runtime there, it is found and never started', async () => {
  using place = new Place();
  const ran = place.at('ran');
  for (const folder of ['bin', 'home']) mkdirSync(place.at(folder), { mode: 0o755 });
  const script = `#!/bin/sh\n: >${ran}\necho v1.2.3\n`;
  const put = (path: string) => writeFileSync(place.at(path), script, { mode: 0o755 });
  const look = () => findRuntimes(place.observe(), [place.at('bin')]);
  put('bin/node');
  assert.deepEqual(await look(), [{ name: 'node', state: '1.2.3', detail: place.at('bin/node') }]);
  assert.ok(existsSync(ran));
  rmSync(ran);

  // As nvm and its like do: a link into the home of somebody who may change what lies there.
  put('home/node');
  chmodSync(place.at('home'), 0o777);
  rmSync(place.at('bin/node'));
  symlinkSync(place.at('home/node'), place.at('bin/node'));
  assert.deepEqual(
    (await look()).map(({ name, state }) => [name, state]),
    [['node', null]],
  );

  rmSync(place.at('bin/node'));
  put('bin/node');
  chmodSync(place.at('bin/node'), 0o777);
  assert.equal((await look())[0]?.state, null);
  assert.equal(existsSync(ran), false, 'nothing was started');
});

test('when a process has the name of a member that every object has, it is no database', () => {
  const process = { pid: 1, parent: 0, state: 'S', ticks: 0, nice: 0, memoryBytes: 0, startedTicks: 0 };
  const named = (name: string) => findDatabases([{ ...process, name }]);
  for (const name of ['constructor', 'toString', '__proto__']) assert.deepEqual(named(name), []);
  assert.equal(named('redis-server').length, 1);
});

test('when programs say something unexpected or are not there, those kinds are blind and the others are found', async () => {
  using place = new Place();
  const silent = {
    exitCode: 1,
    signal: null,
    stdout: '\u0000{]',
    stderr: '',
    timedOut: false,
    truncated: false,
    ms: 1,
  };
  const exec = async () => ({ ...silent, notStarted: null });
  const found = discoverySchema.parse(await discoverServices({}, { ...place.observe(), exec }));
  const blind = found.blind.map(({ kind }) => kind);
  for (const kind of ['listener', 'virtual_host', 'container'] as const) assert.ok(blind.includes(kind), kind);
  const missing = async () => ({ ...silent, exitCode: null, notStarted: 'ENOENT' });
  const bare = await discoverServices({}, { ...place.observe(), exec: missing });
  assert.ok(
    !bare.blind.some(({ kind }) => kind === 'virtual_host'),
    'without nginx there is none, and nothing is hidden',
  );
  const broken = async () => {
    throw fault('capability_failed', { capability: 'x', reason: 'it is away' });
  };
  assert.ok((await discoverServices({}, { ...place.observe(), exec: broken })).blind.length > 0);
});

test('when dpkg lists its configuration files, the hash of the asked one is found, and only a hash', () => {
  const md5 = '0123456789abcdef0123456789abcdef';
  const lines = [
    ` /etc/nginx/nginx.conf ${md5}`,
    ` /etc/nginx/nginx.conf.old ${'f'.repeat(32)} obsolete`,
    ' /etc/x newconffile',
  ];
  assert.equal(md5In(lines, '/etc/nginx/nginx.conf'), md5);
  assert.equal(md5In(lines, '/etc/nginx/nginx.conf.old'), 'f'.repeat(32));
  assert.equal(md5In(lines, '/etc/x'), null);
  assert.equal(md5In([], '/etc/y'), null);
});
