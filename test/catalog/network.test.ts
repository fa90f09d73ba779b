import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { DnsTwin } from '../world/dns-twin.ts';
import { NtpTwin } from '../world/ntp-twin.ts';
import { type Ground, openGround } from './ground.ts';
import { carryOut, prove } from './prove.ts';
import { untilNextStep } from './worker.ts';

/** One host for the areas network, time and host; the areas that can lock everybody out have another one. */
let ground: Ground;
let names: DnsTwin;
let time: NtpTwin;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('network');
  names = await DnsTwin.start(ground.host.gateway);
  time = await NtpTwin.start(ground.host.gateway);
  names.names.set('example.com', '192.0.2.80');
});
after(async () => {
  await time?.[Symbol.asyncDispose]();
  await names?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

/** An address of the host's own network where nobody is. */
const nobody = (host: Host) => host.address.replace(/\.2$/, '.99');
const serversOf = async (host: Host) => (await host.exec(['resolvectl', 'dns', 'eth0'])).stdout;

prove(() => ground, {
  playbook: 'dns.fix_resolver',
  when: 'the name server of the only link is silent',
  async breakIt(host) {
    await host.exec(['systemctl', 'start', 'systemd-resolved']);
    await host.writeFile('/etc/resolv.conf', 'nameserver 127.0.0.53\n');
    await host.exec(['resolvectl', 'dns', 'eth0', nobody(host)]);
  },
  sees: { diagnostic: 'dns', kind: 'dns.all_failing' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.match(await serversOf(host), new RegExp(`: ${host.gateway}$`, 'm'));
    assert.match((await host.exec(['getent', 'ahostsv4', 'example.com'])).stdout, /192\.0\.2\.80/);
  },
  spoil: {
    how: 'the other server falls silent too',
    async breakIt(host) {
      await host.exec(['resolvectl', 'dns', 'eth0', nobody(host)]);
      await host.exec(['resolvectl', 'domain', 'eth0', 'corp.example']);
      names.silent = true;
    },
    undo: 'done',
    async undone(host) {
      assert.match(await serversOf(host), new RegExp(`: ${nobody(host)}$`, 'm'));
      assert.match((await host.exec(['resolvectl', 'domain', 'eth0'])).stdout, /: corp\.example$/m);
    },
  },
  async clear(host) {
    names.silent = false;
    await host.exec(['systemctl', 'stop', 'systemd-resolved']);
    await host.writeFile('/etc/resolv.conf', '');
  },
});

hostTest(
  'when the resolver is stopped, or keeps an old answer, the diagnostic offers what mends it, and it does',
  async () => {
    const { host, assistant, name } = ground;
    const findOffer = async (asked: string, kind: string) => {
      const { findings } = await assistant('runDiagnostic', {
        server: name,
        diagnostics: ['dns'],
        parameters: { names: [asked] },
      });
      const offer = findings.find((finding) => finding.kind === kind)?.suggestions[0];
      assert.equal(offer?.playbook, 'dns.fix_resolver', JSON.stringify(findings, null, 1));
      return { ...offer?.parameters, watch: '1s' } as never;
    };
    const mend = async (parameters: never) =>
      assert.equal((await carryOut(ground, { playbook: 'dns.fix_resolver' }, parameters)).state, 'succeeded');
    await host.writeFile('/etc/resolv.conf', 'nameserver 127.0.0.53\n');
    await host.exec(['systemctl', 'start', 'systemd-resolved']);
    await host.exec(['resolvectl', 'dns', 'eth0', host.gateway]);
    await host.exec(['resolvectl', 'query', 'new.example.com'], { okCodes: 'any' });
    names.names.set('new.example.com', '192.0.2.81');
    await mend(await findOffer('new.example.com', 'dns.stale_answer'));
    assert.match((await host.exec(['getent', 'ahostsv4', 'new.example.com'])).stdout, /192\.0\.2\.81/);
    await host.exec(['systemctl', 'stop', 'systemd-resolved']);
    await mend(await findOffer('example.com', 'dns.resolver_down'));
    assert.match((await host.exec(['getent', 'ahostsv4', 'example.com'])).stdout, /192\.0\.2\.80/);
  },
);

const TIMESYNCD = 'systemd-timesyncd';

prove(() => ground, {
  playbook: 'time.resync',
  when: 'what keeps the clock was stopped',
  async breakIt(host) {
    // In a container it would leave the clock to the machine. The twin tells the machine's own time, so nothing is moved.
    await host.writeFile(`/etc/systemd/system/${TIMESYNCD}.service.d/host.conf`, '[Unit]\nConditionVirtualization=\n');
    await host.writeFile('/etc/systemd/timesyncd.conf.d/twin.conf', `[Time]\nNTP=${host.gateway}\nFallbackNTP=\n`);
    await host.exec(['systemctl', 'daemon-reload']);
    await host.exec(['systemctl', 'disable', '--now', TIMESYNCD]);
  },
  sees: { diagnostic: 'time_sync', kind: 'time.not_kept' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.match((await host.exec(['systemctl', 'is-enabled', TIMESYNCD])).stdout, /^enabled/);
    assert.match((await host.exec(['timedatectl', 'timesync-status'])).stdout, /Packet count: [1-9]/);
  },
  spoil: {
    how: 'the time server has fallen silent',
    breakIt: async () => {
      time.silent = true;
    },
    parameters: { watch: '1s', allow_step: true },
    undo: 'impossible',
    undone: async (host) =>
      assert.match((await host.exec(['timedatectl', 'timesync-status'])).stdout, /Packet count: 0/),
  },
  async clear(host) {
    time.silent = false;
    await host.exec(['systemctl', 'disable', '--now', TIMESYNCD]);
  },
});

const bootOf = async (host: Host) => (await host.exec(['stat', '-c', '%y', '/run/systemd/system'])).stdout;
let boot: string;

prove(() => ground, {
  playbook: 'host.reboot',
  when: 'an update waits for a restart',
  async breakIt(host) {
    // Its helper that waits for a shutdown is no work on packages.
    await host.exec(['systemctl', 'start', 'unattended-upgrades']);
    await host.writeFile('/run/reboot-required', '*** System restart required ***\n');
    boot = await bootOf(host);
  },
  sees: { diagnostic: 'packages', kind: 'packages.reboot_required' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.notEqual(await bootOf(host), boot);
    assert.equal((await host.exec(['test', '-e', '/run/reboot-required'], { okCodes: 'any' })).exitCode, 1);
    boot = await bootOf(host);
  },
  spoil: {
    how: 'a service dies soon after it came up again',
    async breakIt(host) {
      await host.writeFile('/srv/shop.sh', `${await untilNextStep(host)}\nexit 1\n`);
      const unit = ['[Service]', 'ExecStart=/bin/sh /srv/shop.sh', '[Install]', 'WantedBy=multi-user.target', ''];
      await host.writeFile('/etc/systemd/system/shop.service', unit.join('\n'));
      await host.exec(['systemctl', 'enable', 'shop']);
    },
    parameters: { watch: '20s' },
    undo: 'impossible',
    undone: async (host) => assert.notEqual(await bootOf(host), boot),
  },
  clear: (host) => host.exec(['systemctl', 'disable', 'shop'], { okCodes: 'any' }),
});
