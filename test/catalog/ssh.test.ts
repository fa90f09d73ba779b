import assert from 'node:assert/strict';
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

/** One try of the stranger to log in over SSH; what its client said. */
async function knock(host: Host, user: string): Promise<string> {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ConnectTimeout=1'];
  const words = ['ssh', '-b', STRANGER, ...options.flatMap((option) => ['-o', option]), '-l', user, '198.51.100.1'];
  return (await host.exec(['ip', 'netns', 'exec', 'stranger', ...words, 'true'], { okCodes: 'any' })).stderr;
}

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
    assert.match(await knock(host, 'admin'), /timed out/);
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
