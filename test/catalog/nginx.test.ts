import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { type Ground, openGround } from './ground.ts';
import { carryOut, prove } from './prove.ts';
import { doWhenAsked } from './worker.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('nginx');
  await writeSite(ground.host, { status: 200 });
  await ground.host.exec(['install', '--directory', '--owner=www-data', '--group=www-data', '/srv/shop']);
  await ground.host.exec(['systemctl', 'reload', 'nginx']);
  await answers(ground.host, '200');
});
after(async () => ground?.[Symbol.asyncDispose]());

const SITE = '/etc/nginx/sites-enabled/shop';

async function writeSite(host: Host, { status, listen = '8088' }: { status: number; listen?: string }): Promise<void> {
  await host.writeFile(SITE, `server {\n  listen ${listen};\n  location / { return ${status} "shop"; }\n}\n`);
}

/** What a port of the host answers, asked past the product; 000 when nobody listens there. */
async function answer(host: Host, port: number, name = 'localhost'): Promise<string> {
  const argv = [
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '-H',
    `Host: ${name}`,
    `http://127.0.0.1:${port}/`,
  ];
  return (await host.exec(argv, { okCodes: 'any' })).stdout;
}

const answers = (host: Host, status: string, port = 8088) =>
  host.waitFor(async () => (await answer(host, port)) === status);

prove(() => ground, {
  playbook: 'nginx.reload_safe',
  when: 'the configuration was changed after nginx had read it',
  async breakIt(host) {
    await writeSite(host, { status: 204 });
    // A change in the second of the last reload could have been read by it.
    await host.exec(['touch', '--date=now + 3 seconds', SITE]);
  },
  sees: { diagnostic: 'nginx', kind: 'nginx.config_not_loaded' },
  parameters: { watch: '1s', probe_url: 'http://127.0.0.1:8088/', probe_status: 204 },
  mended: (host) => answers(host, '204'),
  spoil: {
    how: 'what it reads is valid and answers with an error',
    breakIt: (host) => writeSite(host, { status: 500 }),
    undo: 'done',
    async undone(host) {
      // nginx lets its old workers go on for a moment after the new ones have begun (nginx(8), "Control").
      await answers(host, '204');
      assert.match(await host.readFile(SITE), /return 204/);
      const { stdout } = await host.exec(['sh', '-c', 'grep -l "return 500" /var/lib/countersign/runner/backups/*']);
      assert.notEqual(stdout, '', 'what was written and did not work is kept');
    },
  },
  async clear(host) {
    await writeSite(host, { status: 200 });
    await host.exec(['systemctl', 'reload', 'nginx']);
    await answers(host, '200');
  },
});

hostTest(
  'when somebody else has reloaded nginx last, a reload is shown as one that cannot be taken back, and it is not',
  async () => {
    const { host, assistant, world, name } = ground;
    await writeSite(host, { status: 200 });
    await host.exec(['systemctl', 'reload', 'nginx']);
    await answers(host, '200');
    await writeSite(host, { status: 500 });
    const parameters = { watch: '1s', probe_url: 'http://127.0.0.1:8088/' };
    const asked = { server: name, playbook: 'nginx.reload_safe', parameters, reason: 'It is broken.' };
    const { action } = await assistant('runPlaybook', asked);
    assert.equal((await world.owner('getAction', { action: action?.id ?? '' })).reversible, false);
    const ended = await carryOut(ground, { playbook: 'nginx.reload_safe' }, parameters);
    assert.deepEqual([ended.state, ended.result?.undo.state], ['failed', 'impossible'], JSON.stringify(ended.result));
    assert.match(await host.readFile(SITE), /return 500/);
    await writeSite(host, { status: 200 });
    await host.exec(['systemctl', 'reload', 'nginx']);
    await answers(host, '200');
  },
);

hostTest('T8: when the configuration is changed after a reload of it was asked for, it is not loaded', async () => {
  const { host, assistant, world, name } = ground;
  await writeSite(host, { status: 200 });
  const parameters = { watch: '1s' };
  const asked = { server: name, playbook: 'nginx.reload_safe', parameters, reason: 'It is broken.' };
  const { action } = await assistant('runPlaybook', asked);
  assert.ok(action);
  await writeSite(host, { status: 500 });
  await world.owner('approveAction', { action: action.id, digest: action.digest, typed_server: name });
  const ended = await eventually('the action to end', async () => {
    const now = await world.owner('getAction', { action: action.id });
    return isFinal(now.state) ? now : undefined;
  });
  assert.deepEqual([ended.state, ended.error?.code], ['refused', 'state_drifted'], JSON.stringify(ended.error));
  assert.match(JSON.stringify(ended.error), /nginx configuration/);
  assert.equal(await answer(host, 8088), '200');
  await writeSite(host, { status: 200 });
});

prove(() => ground, {
  playbook: 'config.set_key',
  when: 'a port is misspelt in the configuration of nginx',
  breakIt: (host) => writeSite(host, { status: 200, listen: '8089x' }),
  sees: { diagnostic: 'nginx', kind: 'nginx.config_invalid' },
  parameters: { watch: '1s', probe_url: 'http://127.0.0.1:8089/' },
  async mended(host) {
    await host.exec(['nginx', '-t']);
    assert.equal(await answer(host, 8089), '200');
  },
  spoil: {
    how: 'nobody answers on the port that is asked afterwards',
    breakIt: (host) => answers(host, '200', 8089),
    parameters: {
      ...{ path: SITE, format: 'nginx', section: 'server', key: 'listen', value: '8087', validator: 'nginx' },
      ...{ unit: 'nginx.service', watch: '1s', probe_url: 'http://127.0.0.1:8089/' },
    },
    undo: 'done',
    async undone(host) {
      assert.match(await host.readFile(SITE), /listen 8089;/);
      await answers(host, '200', 8089);
    },
  },
});

hostTest('when somebody else writes the file again while it is watched, a set key does not pass as done', async () => {
  const { host } = ground;
  const path = '/srv/shop/app.env';
  await host.writeFile(path, 'THREADS=2\n');
  // The probe is asked after the file was looked at.
  const probe_url = await doWhenAsked(host, 8071, `echo THREADS=3 >${path}`);
  const parameters = { path, format: 'env', key: 'THREADS', value: '8', watch: '1s', probe_url };
  const ended = await carryOut(ground, { playbook: 'config.set_key' }, parameters);
  assert.equal(ended.state, 'failed', JSON.stringify(ended.result));
  const passed = ended.result?.check?.readings.map((reading) => reading.passed);
  assert.deepEqual(passed, [true, true, false, true], JSON.stringify(ended.result));
});

const FLAG = '/srv/shop/maintenance';
const MAINTENANCE_SITE = '/etc/nginx/sites-enabled/upstream';

/** A virtual host before an application that is down, whose configuration asks for a flag, or does not. */
async function writeUpstreamSite(host: Host, flag: string): Promise<void> {
  const rest = 'location / { proxy_pass http://127.0.0.1:9000; }';
  await host.writeFile(
    MAINTENANCE_SITE,
    `server {\n  listen 8090;\n  server_name shop.test;\n  ${flag}\n  ${rest}\n}\n`,
  );
}
const ASKS = `if (-f ${FLAG}) { return 503; }`;

const timers = async (host: Host) =>
  (await host.exec(['sh', '-c', 'ls /etc/systemd/system | grep maintenance'], { okCodes: 'any' })).stdout;

/** When a timer comes, in seconds since 1970. */
async function elapsesAt(host: Host, timer: string): Promise<number> {
  const at = `$(systemctl show --value --property=NextElapseUSecRealtime ${timer})`;
  return Number((await host.exec(['sh', '-c', `date --date="${at}" +%s`])).stdout);
}

/** Has the moment of a timer come at once, so that no check has to be over by then. */
async function elapseNow(host: Host, timer: string, follows: () => Promise<void>): Promise<void> {
  const setting = `/run/systemd/system/${timer}.d`;
  await host.writeFile(`${setting}/now.conf`, '[Timer]\nOnCalendar=\nOnActiveSec=0\n');
  await host.exec(['systemctl', 'daemon-reload']);
  await host.exec(['systemctl', 'restart', timer]);
  await follows();
  await host.exec(['rm', '-r', setting]);
  await host.exec(['systemctl', 'daemon-reload']);
}

prove(() => ground, {
  playbook: 'nginx.maintenance',
  when: 'what is behind a virtual host is down',
  async breakIt(host) {
    await writeUpstreamSite(host, ASKS);
    await host.exec(['systemctl', 'reload', 'nginx']);
    await host.waitFor(async () => (await answer(host, 8090, 'shop.test')) === '502');
  },
  sees: { diagnostic: 'nginx', kind: 'nginx.upstream_errors' },
  parameters: { watch: '1s', expires: '10m' },
  async mended(host) {
    assert.equal(await answer(host, 8090, 'shop.test'), '503');
    const [timer = ''] = /\S+\.timer/.exec(await timers(host)) ?? [];
    const leftS = (await elapsesAt(host, timer)) - Date.now() / 1000;
    assert.ok(leftS > 0 && leftS <= 600, `it ends in ${leftS} s`);
    await elapseNow(host, timer, async () => {
      await host.waitFor(async () => (await answer(host, 8090, 'shop.test')) === '502');
      // It leaves nothing behind.
      await host.waitFor(async () => (await timers(host)) === '');
    });
  },
  spoil: {
    how: 'nginx has not read the configuration that asks for the flag',
    async breakIt(host) {
      // A reload only sends a signal, and nginx reads the file some time after it.
      await writeUpstreamSite(host, 'return 204;');
      await host.exec(['systemctl', 'reload', 'nginx']);
      await host.waitFor(async () => (await answer(host, 8090, 'shop.test')) === '204');
      await writeUpstreamSite(host, ASKS);
    },
    undo: 'done',
    async undone(host) {
      assert.equal(await timers(host), '');
      await host.exec(['test', '!', '-e', FLAG]);
    },
  },
  clear: (host) => host.exec(['rm', '-f', MAINTENANCE_SITE, FLAG]),
});
