import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';
import { meddleAfterStep } from './worker.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('packages');
});
after(async () => ground?.[Symbol.asyncDispose]());

const sh = (host: Host, script: string) => host.exec(['sh', '-c', script]);
const out = async (host: Host, script: string) => (await sh(host, script)).stdout.trim();

const ARCHIVE = '/var/cache/apt/archives/shop_1.0_all.deb';

prove(() => ground, {
  playbook: 'disk.apt_clean',
  when: 'apt keeps 210 MB of downloaded packages',
  breakIt: (host) => sh(host, `head -c 210000000 /dev/zero >${ARCHIVE}`),
  sees: { diagnostic: 'disk', kind: 'disk.can_be_freed' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await out(host, `ls /var/cache/apt/archives/*.deb 2>/dev/null || :`), ''),
  spoil: {
    how: 'a download begins at once to fill the place again',
    async breakIt(host) {
      await sh(host, `head -c 5000000 /dev/zero >${ARCHIVE}`);
      const again = `while :; do test -e ${ARCHIVE} || head -c 5000000 /dev/zero >${ARCHIVE}; sleep 0.1; done`;
      await host.exec(['systemd-run', '--unit=refill', 'sh', '-c', again]);
    },
    watch: '20s',
    undo: 'impossible',
    undone: (host) => host.waitFor(['sh', '-c', `test "$(stat -c %s ${ARCHIVE})" = 5000000`]),
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'refill'], { okCodes: 'any' });
    await sh(host, `rm -f ${ARCHIVE}`);
  },
});

const BROKEN = '/srv/postinst.broken';

/** Builds a package whose script fails while a flag lies there, in a folder of packages. */
async function build(host: Host, name: string, version: string, folder: string): Promise<void> {
  const at = `/srv/build/${name}`;
  await host.writeFile(
    `${at}/DEBIAN/control`,
    `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Shop <shop@example.org>\nDescription: ${name}\n`,
  );
  await host.writeFile(
    `${at}/DEBIAN/postinst`,
    `#!/bin/sh\nsystemctl restart ${name} || :\ntest ! -e ${BROKEN}\n`,
    '0755',
  );
  await host.writeFile(`${at}/usr/share/${name}/version`, `${version}\n`);
  await sh(host, `mkdir -p ${folder} && dpkg-deb --build ${at} ${folder}/${name}_${version}_all.deb && rm -r ${at}`);
}

const statusOf = (host: Host, name: string) =>
  out(host, `dpkg-query --show --showformat='\${Status} \${Version}' ${name}`);

prove(() => ground, {
  playbook: 'apt.unlock_repair',
  when: 'an update was cut off and left a package half configured',
  async breakIt(host) {
    await build(host, 'shop', '1.0', '/srv/packages');
    await sh(host, `touch ${BROKEN}; ! dpkg --install /srv/packages/shop_1.0_all.deb && rm ${BROKEN}`);
    assert.match(await statusOf(host, 'shop'), /half-configured/);
  },
  sees: { diagnostic: 'packages', kind: 'packages.half_configured' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await statusOf(host, 'shop'), 'install ok installed 1.0'),
  spoil: {
    how: 'the next update is cut off while it is watched',
    async breakIt(host) {
      await sh(host, `touch ${BROKEN}; ! dpkg --install /srv/packages/shop_1.0_all.deb && rm ${BROKEN}`);
      const again = `touch ${BROKEN}; exec dpkg --install /srv/packages/shop_1.0_all.deb`;
      await meddleAfterStep(host, again);
    },
    watch: '20s',
    undo: 'impossible',
    async undone(host) {
      // The check fails as soon as somebody works on packages; this one is not through with it by then.
      await host.waitFor(async () => /half-configured/.test(await statusOf(host, 'shop')), {
        what: 'the update is cut off',
      });
      assert.match(await out(host, 'cat /var/lib/countersign/runner/backups/*-repair.bak'), /^dpkg=/m);
    },
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'meddler'], { okCodes: 'any' });
    await sh(host, `rm -rf ${BROKEN} /srv/packages; dpkg --purge --force-all shop`);
  },
});

const REPO = '/srv/repo';
/** Where updates lie that are not about security, and that unattended-upgrades takes as well unless it is told otherwise. */
const POINT_RELEASE = '/srv/point-release';
const SECURITY = 'Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security';
const STABLE = 'Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: bookworm';

/** Brings a version of the shop into the repository that the server updates from, as Debian's security team would. */
async function publish(host: Host, version: string, program: string): Promise<void> {
  await host.writeFile('/srv/build/shop/usr/bin/shop', `#!/bin/sh\n${program}\n`, '0755');
  await build(host, 'shop', version, REPO);
  await listPackages(host, REPO, SECURITY);
}

/** Makes a folder of packages a repository of its own. */
async function listPackages(host: Host, folder: string, head: string): Promise<void> {
  const entry =
    'dpkg-deb -f $d; echo "Filename: ./$d\nSize: $(stat -c %s $d)\nSHA256: $(sha256sum $d | cut -d" " -f1)\n"';
  await sh(
    host,
    `cd ${folder} && for d in *.deb; do ${entry}; done >Packages &&
    echo "${head}\nDate: $(date -Ru | sed s/+0000/UTC/)\nSHA256:\n $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages" >Release`,
  );
  await host.exec(['apt-get', 'update']);
}

prove(() => ground, {
  playbook: 'pkg.security_updates',
  when: 'a security update is not installed',
  async breakIt(host) {
    await sh(host, 'mv /etc/apt/sources.list /srv/sources.list');
    const sources = [REPO, POINT_RELEASE].map((folder) => `deb [trusted=yes] file:${folder} ./\n`);
    await sh(host, `mkdir -p ${REPO} ${POINT_RELEASE}`);
    await host.writeFile('/etc/systemd/system/shop.service', '[Service]\nExecStart=/usr/bin/shop\n');
    await host.exec(['systemctl', 'daemon-reload']);
    await build(host, 'till', '1.0', POINT_RELEASE);
    await listPackages(host, POINT_RELEASE, STABLE);
    await host.writeFile('/etc/apt/sources.list.d/local.list', sources.join(''));
    await publish(host, '1.0', 'exec sleep 1000');
    await host.exec(['apt-get', 'install', '--yes', 'shop', 'till']);
    await build(host, 'till', '1.1', POINT_RELEASE);
    await listPackages(host, POINT_RELEASE, STABLE);
    await host.exec(['systemctl', 'start', 'shop']);
    await publish(host, '1.1', 'exec sleep 1001');
  },
  sees: { diagnostic: 'packages', kind: 'packages.security_updates' },
  parameters: { unit: 'shop', watch: '1s', hold: 'libc6 linux-*' },
  async mended(host) {
    assert.equal(await statusOf(host, 'shop'), 'install ok installed 1.1');
    await host.waitFor(async () => (await out(host, 'pgrep -f --count "^sleep 1001" || :')) === '1');
    assert.equal(await statusOf(host, 'till'), 'install ok installed 1.0', 'that update was not about security');
  },
  spoil: {
    how: 'the service does not start with the new version',
    breakIt: (host) => publish(host, '1.2', 'exit 1'),
    watch: '20s',
    undo: 'done',
    async undone(host) {
      assert.equal(await statusOf(host, 'shop'), 'install ok installed 1.1');
      await host.waitFor(['pgrep', '-f', '^sleep 1001']);
    },
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'shop'], { okCodes: 'any' });
    await sh(
      host,
      `dpkg --purge --force-all shop till; rm -rf ${REPO} ${POINT_RELEASE} /etc/systemd/system/shop.service /etc/apt/sources.list.d/local.list`,
    );
    await sh(host, 'mv /srv/sources.list /etc/apt/sources.list; systemctl daemon-reload');
  },
});
