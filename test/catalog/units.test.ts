import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('units');
});
after(async () => ground?.[Symbol.asyncDispose]());

const SHOP = '/etc/systemd/system/shop.service';
const FLAG = '/srv/shop.broken';

/** A service that ends at once while a flag lies there. */
async function installShop(host: Host, afterStart: string): Promise<void> {
  const lines = ['[Unit]', 'StartLimitIntervalSec=0', '[Service]', `ExecStart=/bin/sh -c '${afterStart}'`];
  await host.writeFile(SHOP, `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
}

const isActive = async (host: Host) =>
  (await host.exec(['systemctl', 'is-active', 'shop'], { okCodes: 'any' })).stdout.trim();

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
      await installShop(host, 'sleep 1.5; exit 3');
      await host.exec(['systemctl', 'restart', 'shop']);
      await host.waitFor(['systemctl', 'is-failed', 'shop']);
    },
    parameters: { unit: 'shop', watch: '2s' },
    undo: 'done',
    undone: async (host) => assert.notEqual(await isActive(host), 'active'),
  },
});
