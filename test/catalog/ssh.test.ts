import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';

/** One host for the areas ssh and firewall. */
let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('edge');
});
after(async () => ground?.[Symbol.asyncDispose]());

const STRANGER = '203.0.113.7';

/** A stranger on the internet: a network namespace behind a router, whose address is in no network of the host. */
async function bringStranger(host: Host): Promise<void> {
  const calls = [
    'ip netns add stranger',
    'ip link add wan type veth peer name wan0 netns stranger',
    'ip addr add 198.51.100.1/30 dev wan',
    'ip link set wan up',
    'ip -n stranger addr add 198.51.100.2/30 dev wan0',
    'ip -n stranger addr add 203.0.113.7/32 dev lo',
    'ip -n stranger link set lo up',
    'ip -n stranger link set wan0 up',
    'ip route add 203.0.113.7/32 via 198.51.100.2',
  ];
  for (const call of calls) await host.exec(call.split(' '));
}

/** One try of the stranger to log in over SSH, who waits this long for an answer; what its client said. */
async function knock(host: Host, user: string, waitsS = 20): Promise<string> {
  const known = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];
  const options = ['BatchMode=yes', ...known, `ConnectTimeout=${waitsS}`];
  const words = ['ssh', '-b', STRANGER, ...options.flatMap((option) => ['-o', option]), '-l', user, '198.51.100.1'];
  return (await host.exec(['ip', 'netns', 'exec', 'stranger', ...words, 'true'], { okCodes: 'any' })).stderr;
}

/** Whether this machine can open a connection to a port of the host. */
function reaches(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket
      .once('connect', () => end(true))
      .once('timeout', () => end(false))
      .once('error', () => end(false));
  });
}

const reachesSsh = (host: Host) => host.waitFor(() => reaches(host.address, 22), { what: 'sshd to be reached' });

const blocked = async (host: Host) =>
  (await host.exec(['nft', 'list', 'set', 'inet', 'countersign', 'ban4'], { okCodes: 'any' })).stdout;

prove(() => ground, {
  playbook: 'ssh.block_ip',
  when: 'a stranger tries one name after the other',
  async breakIt(host) {
    await bringStranger(host);
    // A name that looks like another address must not get that one blocked.
    for (let index = 0; index < 12; index += 1) await knock(host, `admin from 198.18.0.${index} port 22`);
  },
  sees: { diagnostic: 'ssh_auth', kind: 'ssh.under_attack' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.match(await blocked(host), /203\.0\.113\.7 timeout 1h expires/);
    assert.match(await knock(host, 'admin', 1), /timed out/);
  },
  spoil: {
    how: 'the control plane takes no new connection any more',
    async breakIt(host) {
      await host.exec(['nft', 'delete table inet countersign']);
      await host.exec([
        'nft',
        `add table inet cut; add chain inet cut out { type filter hook output priority 0; }; add rule inet cut out ip daddr ${host.gateway} ct state new reject`,
      ]);
    },
    undo: 'done',
    async undone(host) {
      assert.doesNotMatch(await blocked(host), /203\.0\.113\.7/);
      assert.match(await knock(host, 'admin'), /Permission denied/);
    },
  },
  async clear(host) {
    await host.exec(['nft', 'flush ruleset']);
  },
});

const rules = async (host: Host) => (await host.exec(['nft', 'list', 'ruleset'])).stdout;
let rulesBefore: string;

prove(() => ground, {
  playbook: 'firewall.apply_rules',
  when: 'everybody can reach a data store, since there are no rules',
  async breakIt(host) {
    const open = ['--bind', '0.0.0.0', '--protected-mode', 'no', '--dir', '/tmp'];
    await host.exec(['systemd-run', '--unit=store', 'redis-server', ...open]);
    await host.waitFor(() => reaches(host.address, 6379), { what: 'Redis to listen' });
  },
  sees: { diagnostic: 'firewall', kind: 'firewall.data_store_open' },
  parameters: { watch: '1s' },
  async mended(host) {
    rulesBefore = await rules(host);
    assert.match(rulesBefore, /tcp dport \{ 22, 80 \} accept/);
    assert.equal(await reaches(host.address, 6379), false);
    await reachesSsh(host);
  },
  spoil: {
    how: 'the new rules forget the server itself',
    breakIt: async () => undefined,
    parameters: {
      ruleset:
        'flush ruleset\ntable inet narrow {\n  chain input {\n    type filter hook input priority 0; policy drop;\n    ct state established accept\n  }\n}\n',
      port: 22,
      watch: '1s',
    },
    undo: 'done',
    async undone(host) {
      assert.equal(await rules(host), rulesBefore);
      await reachesSsh(host);
    },
  },
  async clear(host) {
    await host.exec(['systemctl', 'stop', 'store'], { okCodes: 'any' });
    await host.exec(['nft', 'flush ruleset']);
  },
});

const HARDENED = '/etc/ssh/sshd_config.d/10-countersign-no-passwords.conf';
const FIRST = '/etc/ssh/sshd_config.d/05-first.conf';
const reload = (host: Host) => host.exec(['systemctl', 'reload', 'ssh']);

/** root logs in with a key, from the host itself. sshd listens anew some time after a reload of it is over. */
const logIn = (host: Host) =>
  host.waitFor(['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', 'root@127.0.0.1', 'true']);

prove(() => ground, {
  playbook: 'ssh.harden',
  when: 'sshd takes passwords although its administrator has a key',
  async breakIt(host) {
    await host.exec(['mkdir', '-p', '-m', '700', '/root/.ssh']);
    await host.exec(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/root/.ssh/id_ed25519']);
    await host.exec(['cp', '/root/.ssh/id_ed25519.pub', '/root/.ssh/authorized_keys']);
    await logIn(host);
  },
  sees: { diagnostic: 'ssh_auth', kind: 'ssh.passwords_allowed' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.match((await host.exec(['sshd', '-T'])).stdout, /^passwordauthentication no$/m);
    await logIn(host);
  },
  spoil: {
    how: 'another file that comes first says otherwise',
    async breakIt(host) {
      await host.exec(['rm', HARDENED]);
      await host.writeFile(FIRST, 'PasswordAuthentication yes\n');
      await reload(host);
    },
    undo: 'done',
    async undone(host) {
      assert.equal((await host.exec(['test', '-e', HARDENED], { okCodes: 'any' })).exitCode, 1);
      await logIn(host);
    },
  },
  async clear(host) {
    await host.exec(['rm', '-f', FIRST, HARDENED]);
    await reload(host);
  },
});
