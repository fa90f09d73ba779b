import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';
import {
  clear as clearWorker,
  doWhenAsked,
  HOARDS,
  mainPid,
  meddle,
  meddleAfterStep,
  property,
  startWorker,
  untilNextStep,
} from './worker.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('units');
});
after(async () => ground?.[Symbol.asyncDispose]());

const SHOP = '/etc/systemd/system/shop.service';
const FLAG = '/srv/shop.broken';

/** A service of our own; `script` is what its shell does. */
async function installShop(host: Host, script: string, more: readonly string[] = []): Promise<void> {
  const service = ['[Service]', `ExecStart=/bin/sh -c '${script}'`, ...more];
  const lines = ['[Unit]', 'StartLimitIntervalSec=0', ...service, '[Install]', 'WantedBy=multi-user.target'];
  await host.writeFile(SHOP, `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
}

const answer = async (host: Host, ...verb: readonly string[]) =>
  (await host.exec(['systemctl', ...verb, 'shop'], { okCodes: 'any' })).stdout.trim();
const isActive = (host: Host) => answer(host, 'is-active');
const isEnabled = (host: Host) => answer(host, 'is-enabled');
/** A port on which the check asks. */
const ASKED = 8071;
const DIES = 'systemctl kill --signal=KILL shop';

/** Nothing of a row is left for the next one. */
async function clear(host: Host): Promise<void> {
  await host.exec(['systemctl', 'stop', 'meddler', 'shop'], { okCodes: 'any' });
  await host.exec(['systemctl', 'disable', '--quiet', 'shop'], { okCodes: 'any' });
  await host.exec(['systemctl', 'reset-failed', 'shop'], { okCodes: 'any' });
  await host.exec(['rm', '-rf', FLAG, '/etc/shop', '/run/shop.read']);
}

prove(() => ground, {
  playbook: 'service.reset_failed',
  when: 'a unit has failed and its cause is gone',
  async breakIt(host) {
    await installShop(host, `test ! -e ${FLAG} && exec sleep 1000`);
    await host.exec(['touch', FLAG]);
    await host.exec(['systemctl', 'start', 'shop']);
    await host.waitFor(['systemctl', 'is-failed', 'shop']);
    await host.exec(['rm', FLAG]);
  },
  sees: { diagnostic: 'failed_units', kind: 'service.failed' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await isActive(host), 'active'),
  spoil: {
    how: 'the unit dies again while it is watched',
    async breakIt(host) {
      await host.exec(['sh', '-c', DIES]);
      await host.waitFor(['systemctl', 'is-failed', 'shop']);
      // The second step starts it.
      await meddleAfterStep(host, DIES, 2);
    },
    parameters: { unit: 'shop', watch: '20s' },
    undo: 'done',
    undone: async (host) => assert.notEqual(await isActive(host), 'active'),
  },
  clear,
});

prove(() => ground, {
  playbook: 'service.start',
  when: 'a unit is down and nothing has failed',
  breakIt: (host) => installShop(host, 'exec sleep 1000'),
  sees: { diagnostic: 'service', parameters: { unit: 'shop' }, kind: 'service.not_running' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await isActive(host), 'active'),
  spoil: {
    how: 'the unit ends while it is watched, and systemd is going to start it again',
    async breakIt(host) {
      await host.exec(['systemctl', 'stop', 'shop']);
      // So that it waits for its next start while it is taken back.
      await installShop(host, 'exec sleep 1000', ['Restart=always', 'RestartSec=1h']);
      await meddleAfterStep(host, DIES);
    },
    parameters: { unit: 'shop', watch: '20s' },
    undo: 'done',
    undone: async (host) => assert.equal(await isActive(host), 'inactive'),
  },
  clear,
});

prove(() => ground, {
  playbook: 'service.stop',
  when: 'a unit crashes and is started over and over',
  async breakIt(host) {
    // It never says that it is up, so it is not running at whatever moment it is met.
    await installShop(host, 'exit 3', ['Type=notify', 'Restart=always', 'RestartSec=2s']);
    await answer(host, 'start');
    await host.waitFor(async () => Number(await answer(host, 'show', '--property=NRestarts', '--value')) > 0);
  },
  sees: { diagnostic: 'service', parameters: { unit: 'shop' }, kind: 'service.crash_loop' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.match(await isActive(host), /^(inactive|failed)$/),
  spoil: {
    how: 'something else starts the unit again while it is watched',
    async breakIt(host) {
      await installShop(host, 'exec sleep 1000', [`ExecStartPre=/bin/sh -c 'test ! -e ${FLAG} || sleep 2'`]);
      await host.exec(['systemctl', 'restart', 'shop']);
      await host.exec(['touch', FLAG]);
      await meddleAfterStep(host, 'systemctl start shop');
    },
    parameters: { unit: 'shop', watch: '20s' },
    undo: 'done',
    undone: async (host) => assert.equal(await isActive(host), 'active'),
  },
  clear,
});

prove(() => ground, {
  playbook: 'service.enable_disable',
  when: 'a unit runs that the next boot would not start',
  async breakIt(host) {
    await installShop(host, 'exec sleep 1000');
    await host.exec(['systemctl', 'start', 'shop']);
  },
  sees: { diagnostic: 'service', parameters: { unit: 'shop' }, kind: 'service.not_enabled' },
  mended: async (host) => assert.equal(await isEnabled(host), 'enabled'),
  spoil: {
    how: 'the unit stops while it is watched',
    async breakIt(host) {
      await host.exec(['systemctl', 'disable', '--quiet', 'shop']);
      await meddle(host, 'until systemctl is-enabled -q shop; do sleep 0.1; done; systemctl stop shop');
    },
    parameters: { unit: 'shop', on: true },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.equal(await isEnabled(host), 'disabled'),
  },
  clear,
});

prove(() => ground, {
  playbook: 'service.restart',
  when: 'a unit is active but its process stands still',
  async breakIt(host) {
    await installShop(host, 'exec sleep 1000');
    await host.exec(['systemctl', 'start', 'shop']);
    await host.exec(['systemctl', 'kill', '--signal=STOP', 'shop']);
  },
  sees: { diagnostic: 'service', parameters: { unit: 'shop' }, kind: 'service.stands_still' },
  parameters: { watch: '1s' },
  async mended(host) {
    const pid = await answer(host, 'show', '--property=MainPID', '--value');
    assert.match(await host.readFile(`/proc/${pid}/stat`), /\(sleep\) S /);
  },
  spoil: {
    how: 'the unit dies while it is watched',
    // The probe is asked after the unit was looked at: what it sets off shows at the second reading.
    breakIt: (host) => doWhenAsked(host, ASKED, `${DIES}; until systemctl is-failed shop; do sleep 0.1; done`),
    parameters: { unit: 'shop', watch: '1s', probe_url: `http://127.0.0.1:${ASKED}/` },
    undo: 'impossible',
    undone: async (host) => assert.equal(await isActive(host), 'failed'),
  },
  clear,
});

/** What a shell does when it is told to read, from the time on at which it says that it listens. */
const onReload = (script: string) => `trap "${script}" HUP; touch /run/shop.listens; while :; do sleep 0.1; done`;
const AFTER_STEP = '/srv/after-step.sh';

async function startReloadable(host: Host, script: string): Promise<void> {
  await installShop(host, onReload(script), ['ExecReload=/bin/kill -HUP $MAINPID']);
  await host.exec(['rm', '-f', '/run/shop.listens']);
  await host.exec(['systemctl', 'restart', 'shop']);
  await host.waitFor(['test', '-e', '/run/shop.listens']);
}

prove(() => ground, {
  playbook: 'service.reload',
  when: 'a configuration was changed that the unit has not read',
  async breakIt(host) {
    await startReloadable(host, 'cp /etc/shop/shop.conf /run/shop.read');
    // systemd tells the time of the start in whole seconds.
    await host.exec([
      'sh',
      '-c',
      'mkdir -p /etc/shop; echo new=1 >/etc/shop/shop.conf; touch -d "now + 2 seconds" /etc/shop/shop.conf',
    ]);
  },
  sees: { diagnostic: 'service', parameters: { unit: 'shop' }, kind: 'service.configuration_changed' },
  parameters: { watch: '1s' },
  mended: (host) => host.waitFor(['grep', '-qx', 'new=1', '/run/shop.read']),
  spoil: {
    how: 'the unit dies of what it read',
    async breakIt(host) {
      await host.writeFile(AFTER_STEP, `${await untilNextStep(host)}\n`);
      await startReloadable(host, `. ${AFTER_STEP}; exit 3`);
    },
    parameters: { unit: 'shop', watch: '20s' },
    undo: 'impossible',
    undone: async (host) => assert.equal(await isActive(host), 'failed'),
  },
  clear,
});

const LIMIT_DROP_IN = '/etc/systemd/system/worker.service.d/90-countersign-nofile.conf';
const OPENS = 'files = [open("/dev/null") for number in range(60)]';
const openFiles = async (host: Host) =>
  /^Max open files +(\d+) +(\d+)/m.exec(await host.readFile(`/proc/${await mainPid(host)}/limits`))?.slice(1, 3);

prove(() => ground, {
  playbook: 'fd.raise_limit',
  when: 'a service is near its limit of open files',
  breakIt: (host) => startWorker(host, OPENS, ['LimitNOFILE=64:8192']),
  sees: { diagnostic: 'conntrack_fd', kind: 'fd.near_limit' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.deepEqual(await openFiles(host), ['4096', '8192']);
    await host.exec(['systemctl', 'restart', 'worker']);
    assert.deepEqual(await openFiles(host), ['4096', '8192'], 'it holds after a restart');
  },
  spoil: {
    how: 'somebody else takes the room away while it is watched',
    async breakIt(host) {
      await host.exec(['rm', '-r', '/etc/systemd/system/worker.service.d']);
      await startWorker(host, OPENS, ['LimitNOFILE=64:8192']);
      const pid = await mainPid(host);
      await meddleAfterStep(host, `prlimit -p ${pid} -n100:8192`);
    },
    watch: '20s',
    undo: 'done',
    async undone(host) {
      assert.deepEqual(await openFiles(host), ['64', '8192']);
      await assert.rejects(host.exec(['test', '-e', LIMIT_DROP_IN]));
      assert.equal(await property(host, 'NeedDaemonReload'), 'no');
    },
  },
  clear: clearWorker,
});

prove(() => ground, {
  playbook: 'service.memory_limit',
  when: 'a unit has reached its own limit of memory',
  breakIt: (host) => startWorker(host, HOARDS, ['MemoryMax=92M']),
  sees: { diagnostic: 'memory_oom', kind: 'memory.near_limit' },
  parameters: { watch: '1s' },
  async mended(host) {
    const limit = Number(await property(host, 'MemoryMax'));
    assert.ok(limit > 110_000_000, `it may hold ${limit} bytes`);
  },
  spoil: {
    how: 'the unit ends while it is watched',
    async breakIt(host) {
      await host.exec(['rm', '-rf', '/run/systemd/system.control/worker.service.d']);
      await startWorker(host, HOARDS, ['MemoryMax=92M']);
      await meddleAfterStep(host, 'systemctl stop worker');
    },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.equal(await property(host, 'MemoryMax'), String(92 * 1024 ** 2)),
  },
  clear: clearWorker,
});
