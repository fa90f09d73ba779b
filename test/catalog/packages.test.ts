import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';

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
    undo: 'impossible',
    undone: async (host) => assert.equal(await out(host, `stat -c %s ${ARCHIVE}`), '5000000'),
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'refill'], { okCodes: 'any' });
    await sh(host, `rm -f ${ARCHIVE}`);
  },
});
