import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { prove } from './prove.ts';

/** Folders of the rows that are file systems of their own, so that they can be full. */
const SESSIONS = '/srv/sessions';

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('disk', { policy: `${OPEN_POLICY}tmp_roots: [${SESSIONS}]\n` });
});
after(async () => ground?.[Symbol.asyncDispose]());

const sh = (host: Host, script: string) => host.exec(['sh', '-c', script]);
const out = async (host: Host, script: string) => (await sh(host, script)).stdout.trim();

/** A service whose main process runs this script; it runs on return. */
async function install(host: Host, name: string, script: string, more: readonly string[] = []): Promise<void> {
  await host.writeFile(`/usr/local/bin/${name}`, `#!/bin/sh\n${script}\n`, '0755');
  const lines = ['[Unit]', 'StartLimitIntervalSec=0', '[Service]', `ExecStart=/usr/local/bin/${name}`, ...more];
  await host.writeFile(`/etc/systemd/system/${name}.service`, `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
  await host.exec(['systemctl', 'restart', name]);
}

async function remove(host: Host, ...names: string[]): Promise<void> {
  for (const name of names) {
    await host.exec(['systemctl', 'stop', name], { okCodes: 'any' });
    await sh(host, `rm -f /usr/local/bin/${name} /etc/systemd/system/${name}.service`);
  }
  await host.exec(['systemctl', 'daemon-reload']);
}

const LOG = '/var/log/shop.log';
/** Keeps its log open, and opens it anew when it is told to. */
const WRITER = `open() { exec >>${LOG}; }; trap open HUP; open; while :; do echo line; sleep 0.1; done`;
const logrotateFile = (tell: string) =>
  `${LOG} {\n  monthly\n  rotate 3\n  missingok\n  create\n  postrotate\n    ${tell}\n  endscript\n}\n`;

prove(() => ground, {
  playbook: 'disk.logrotate',
  when: 'a log that is rotated once a month has grown to 120 MB',
  async breakIt(host) {
    await sh(host, `head -c 120000000 /dev/zero >${LOG}`);
    await install(host, 'shop', WRITER);
    await host.writeFile('/etc/logrotate.d/shop', logrotateFile('systemctl kill --signal=HUP shop'));
  },
  sees: { diagnostic: 'disk', kind: 'disk.big_log' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await out(host, `stat -c %s ${LOG}.1 | cut -c1-4`), '1200');
    assert.ok(Number(await out(host, `stat -c %s ${LOG}`)) < 10_000);
    assert.match(await out(host, 'ls -l /proc/$(systemctl show -P MainPID shop)/fd'), /shop\.log\n/);
  },
  spoil: {
    how: 'nobody tells the service to open its new log',
    breakIt: (host) => host.writeFile('/etc/logrotate.d/shop', logrotateFile('true')),
    undo: 'impossible',
    async undone(host) {
      assert.match(await out(host, 'ls -l /proc/$(systemctl show -P MainPID shop)/fd'), /shop\.log\.1\n/);
    },
  },
  async clear(host) {
    await remove(host, 'shop');
    await sh(host, `rm -f ${LOG}* /etc/logrotate.d/shop`);
  },
});

/** Opens a file, deletes it, and goes on writing to it; what it does on HUP is given. */
const hog = (onHup: string) =>
  `open() { exec 3>/var/tmp/held.log; head -c 30000000 /dev/zero >&3; rm /var/tmp/held.log; }\ntrap '${onHup}' HUP; open; while :; do sleep 0.1; done`;
const RELOAD = ['ExecReload=/bin/kill -HUP $MAINPID'];
const deletedBytes = (host: Host) =>
  out(
    host,
    'for f in /proc/$(systemctl show -P MainPID hog)/fd/*; do readlink $f; done | grep -c "held.log (deleted)" || :',
  );

prove(() => ground, {
  playbook: 'disk.release_deleted',
  when: 'a service keeps a deleted file of 30 MB open',
  async breakIt(host) {
    await install(host, 'hog', hog('exec 3>/dev/null'), RELOAD);
    await host.waitFor(async () => (await deletedBytes(host)) === '1');
  },
  sees: { diagnostic: 'disk', kind: 'disk.deleted_open' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await deletedBytes(host), '0'),
  spoil: {
    how: 'the service does the same again when it is reloaded',
    async breakIt(host) {
      await install(host, 'hog', hog('open'), RELOAD);
      await host.waitFor(async () => (await deletedBytes(host)) === '1');
    },
    undo: 'done',
    undone: async (host) => assert.equal(await out(host, 'systemctl is-active hog'), 'active'),
  },
  clear: (host) => remove(host, 'hog'),
});

const usedInodes = async (host: Host) =>
  Number((await out(host, `df --output=iused ${SESSIONS} | tail -1`)) || Number.NaN);
/** Makes sessions of a number, as old as told. */
const sessions = (host: Host, from: number, to: number, age: string) =>
  sh(
    host,
    `cd ${SESSIONS} && for i in $(seq ${from} ${to}); do echo user >sess_$i; done; touch -d '${age}' $(seq -f sess_%.0f ${from} ${to})`,
  );

prove(() => ground, {
  playbook: 'inodes.clean_sessions',
  when: '950 of 1024 inodes hold sessions of last week',
  async breakIt(host) {
    await sh(host, `mkdir -p ${SESSIONS} && mount -t tmpfs -o nr_inodes=1024 none ${SESSIONS}`);
    await sessions(host, 1, 950, '7 days ago');
  },
  sees: { diagnostic: 'inodes', parameters: { mount: SESSIONS }, kind: 'inodes.biggest_folders' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.ok((await usedInodes(host)) < 10),
  spoil: {
    how: 'sessions of today hold most of them',
    async breakIt(host) {
      await sessions(host, 1, 50, '2 days ago');
      await sessions(host, 51, 950, 'now');
      await sh(host, `chmod 600 ${SESSIONS}/sess_7 && chown www-data ${SESSIONS}/sess_7`);
    },
    undo: 'done',
    async undone(host) {
      assert.ok((await usedInodes(host)) >= 950);
      assert.equal(
        await out(host, `cd ${SESSIONS} && stat -c '%a %U %s' sess_7 && cat sess_7`),
        '600 www-data 5\nuser',
      );
    },
  },
  clear: (host) => sh(host, `umount ${SESSIONS}`),
});
