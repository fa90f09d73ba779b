import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { prove } from './prove.ts';
import { untilNextStep } from './worker.ts';

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

const SHOP_FILES = 'ls -l /proc/$(systemctl show -P MainPID shop)/fd';
/** Whoever tells a service that its log has moved waits until it has heard: a signal is only on its way. */
const SAY_AND_WAIT = `systemctl kill --signal=HUP shop; until ${SHOP_FILES} | grep -q 'shop.log$'; do sleep 0.05; done`;

prove(() => ground, {
  playbook: 'disk.logrotate',
  when: 'a log that is rotated once a month has grown to 120 MB',
  async breakIt(host) {
    await sh(host, `head -c 120000000 /dev/zero >${LOG}`);
    await install(host, 'shop', WRITER);
    // Before its shell is there, it would die of the signal.
    await host.waitFor(['sh', '-c', `${SHOP_FILES} | grep -q 'shop.log$'`]);
    await host.writeFile('/etc/logrotate.d/shop', logrotateFile(SAY_AND_WAIT));
  },
  sees: { diagnostic: 'disk', kind: 'disk.big_log' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await out(host, `stat -c %s ${LOG}.1 | cut -c1-4`), '1200');
    assert.ok(Number(await out(host, `stat -c %s ${LOG}`)) < 10_000);
    assert.match(await out(host, SHOP_FILES), /shop\.log$/m);
  },
  spoil: {
    how: 'nobody tells the service to open its new log',
    breakIt: (host) => host.writeFile('/etc/logrotate.d/shop', logrotateFile('true')),
    undo: 'impossible',
    async undone(host) {
      assert.match(await out(host, SHOP_FILES), /shop\.log\.1$/m);
    },
  },
  async clear(host) {
    await remove(host, 'shop');
    await sh(host, `rm -f ${LOG}* /etc/logrotate.d/shop`);
  },
});

/** Opens a file, deletes it, and keeps it open; what it does on HUP is given. It says when it has done that. */
const hog = (onHup: string) =>
  `open() { exec 3>/var/tmp/held.log; head -c 30000000 /dev/zero >&3; rm /var/tmp/held.log; }\ntrap '${onHup}; touch /run/hog.reloaded' HUP; open; while :; do sleep 0.1; done`;
/** A reload is over when the service has reloaded, not when it was told to. */
const RELOAD = [
  'ExecReload=/bin/rm -f /run/hog.reloaded',
  'ExecReload=/bin/kill -HUP $MAINPID',
  "ExecReload=/bin/sh -c 'until test -e /run/hog.reloaded; do sleep 0.05; done'",
];
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

/** Keeps its log open for writing at its end, and writes as long as the log is larger than told. Between look and line no program has to start. */
const talker = (bytes: number) => `exec python3 -c '
import os, time
log = open("${LOG}", "ab", 0)
while True:
    if os.fstat(log.fileno()).st_size >= ${bytes}:
        log.write(b"line\\n")
    time.sleep(0.1)'`;

/** A service that talks, once it has its log open: systemd calls it started before Python is. */
async function talk(host: Host, bytes: number): Promise<void> {
  await install(host, 'shop', talker(bytes));
  await host.waitFor(['sh', '-c', `ls -l /proc/[0-9]*/fd 2>&1 | grep -q 'l-wx.* ${LOG}$'`], {
    what: 'the log to be open',
  });
}

prove(() => ground, {
  playbook: 'disk.truncate_log',
  when: 'a log that nothing rotates has grown to 120 MB',
  async breakIt(host) {
    await sh(host, `yes 'an order came in' | head -c 120000000 >${LOG}; echo the last order >>${LOG}`);
    await talk(host, 0);
  },
  sees: { diagnostic: 'disk', kind: 'disk.big_log' },
  // The look ends with the first line that is written: who writes late is waited for.
  parameters: { watch: '1s', quiet: '10s' },
  async mended(host) {
    assert.ok(Number(await out(host, `stat -c %s ${LOG}`)) < 10_000);
    assert.match(
      await out(host, 'tail -n 1000 /var/lib/countersign/runner/backups/*-truncate.bak'),
      /the last order\n/,
    );
  },
  spoil: {
    how: 'the service writes no more once its log has shrunk',
    async breakIt(host) {
      await sh(host, `systemctl stop shop; yes 'an order came in' | head -c 20000000 >${LOG}`);
      await talk(host, 1_000_000);
    },
    parameters: { path: LOG, watch: '1s', quiet: '2s' },
    undo: 'impossible',
    undone: async (host) => assert.equal(await out(host, `stat -c %s ${LOG}`), '0'),
  },
  async clear(host) {
    await remove(host, 'shop');
    await sh(host, `rm -f ${LOG}`);
  },
});

/** Closed files of the journal besides its own: copies of one that was, made big, with the times of a flood of lines. */
const flood = (count: number, megabytes: number) =>
  `journalctl --rotate; cd /var/log/journal/*/ && for i in $(seq ${count}); do to=system@$(printf %032x $i)-$(printf %016x $i)-$(printf %016x $i).journal; cp system.journal $to && fallocate -l ${megabytes}M $to; done`;
const journalFiles = async (host: Host) => Number(await out(host, 'du -sm /var/log/journal | cut -f1'));

prove(() => ground, {
  playbook: 'disk.journal_vacuum',
  when: 'the journal takes 600 MB',
  async breakIt(host) {
    await sh(
      host,
      'mkdir -p /etc/systemd/journald.conf.d /var/log/journal && systemd-tmpfiles --create --prefix /var/log/journal',
    );
    await host.writeFile('/etc/systemd/journald.conf.d/big.conf', '[Journal]\nSystemMaxUse=2G\n');
    await sh(host, 'systemctl restart systemd-journald && journalctl --flush && logger hello && journalctl --sync');
    await sh(host, flood(6, 100));
  },
  sees: { diagnostic: 'disk', kind: 'disk.can_be_freed' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.ok((await journalFiles(host)) <= 216),
  spoil: {
    how: 'lines flood in faster than they are deleted',
    async breakIt(host) {
      await sh(host, flood(6, 100));
      const again = `while test $(du -sm /var/log/journal | cut -f1) -gt 300; do sleep 0.05; done; ${flood(4, 100).replace('journalctl --rotate; ', '')}`;
      await host.writeFile('/usr/local/bin/flood', `#!/bin/sh\n${again}\n`, '0755');
      await host.exec(['systemd-run', '--unit=flood', '/usr/local/bin/flood']);
    },
    watch: '20s',
    undo: 'impossible',
    undone: (host) => host.waitFor(async () => (await journalFiles(host)) > 400),
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'flood'], { okCodes: 'any' });
    await sh(
      host,
      'journalctl --rotate --vacuum-size=1M; rm -f /etc/systemd/journald.conf.d/big.conf; systemctl restart systemd-journald',
    );
  },
});

const OLD = '/var/tmp/old-uploads';

prove(() => ground, {
  playbook: 'disk.clean_tmp',
  when: 'uploads of last week take 220 MB of /var/tmp',
  async breakIt(host) {
    await sh(host, `mkdir ${OLD} && head -c 220000000 /dev/zero >${OLD}/a && touch -d '7 days ago' ${OLD}/a`);
  },
  sees: { diagnostic: 'disk', kind: 'disk.can_be_freed' },
  parameters: { watch: '1s' },
  mended: async (host) =>
    assert.equal(await out(host, `ls ${OLD} && find /var/tmp/.countersign-quarantine -size +200M | wc -l`), '1'),
  spoil: {
    how: 'a service cannot live without a file of last week',
    async breakIt(host) {
      await sh(host, `echo precious >${OLD}/b && touch -d '7 days ago' ${OLD}/b`);
      await install(host, 'shop', `while test -e ${OLD}/b; do sleep 0.1; done; exit 1`);
    },
    parameters: { root: '/var/tmp', older_than: '24h', unit: 'shop' },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.equal(await host.readFile(`${OLD}/b`), 'precious\n'),
  },
  async clear(host) {
    await remove(host, 'shop');
    await sh(host, `rm -rf ${OLD} /var/tmp/.countersign-quarantine`);
  },
});

const DATA = '/srv/data';
const IMAGE = '/var/tmp/data.img';
const options = (host: Host) => out(host, `findmnt -n -o FS-OPTIONS ${DATA}`);

prove(() => ground, {
  playbook: 'fs.remount_rw',
  when: 'a file system on a disk has become read-only',
  async breakIt(host) {
    await sh(
      host,
      `mkdir -p ${DATA} && truncate -s 16M ${IMAGE} && mkfs.ext4 -q ${IMAGE} && mount -o loop ${IMAGE} ${DATA}`,
    );
    await sh(host, `mount -o remount,ro ${DATA}`);
  },
  sees: { diagnostic: 'storage_hw', kind: 'storage.read_only' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.match(await options(host), /^rw\b/);
    await sh(host, `touch ${DATA}/file`);
  },
  spoil: {
    how: 'it becomes read-only again at once',
    async breakIt(host) {
      await sh(host, `mount -o remount,ro ${DATA}`);
      // It is refused for as long as somebody has a file open for writing there.
      const again = `${await untilNextStep(host)}; until mount -o remount,ro ${DATA}; do sleep 0.1; done`;
      await host.exec(['systemd-run', '--unit=breaker', 'sh', '-c', again]);
    },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.match(await options(host), /^ro\b/),
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'breaker'], { okCodes: 'any' });
    await sh(host, `umount ${DATA}; losetup -j ${IMAGE} | cut -d: -f1 | xargs -r losetup -d; rm -f ${IMAGE}`);
  },
});
