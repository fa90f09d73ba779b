/** The rows of swap. */
import assert from 'node:assert/strict';
import type { Host } from '../hosts/host.ts';
import type { Ground } from './ground.ts';
import { prove, type Row } from './prove.ts';
import { clear, meddle, startWorker } from './worker.ts';

/** The kernel of this machine swaps for all hosts, and to files on a real file system only: each row takes down what it put up. */
const SWAP_FILE = '/srv/swap/swapfile';
const swaps = async (host: Host) => await host.readFile('/proc/swaps');

async function makeSwapDisk(host: Host): Promise<void> {
  await host.exec(['truncate', '-s', '160M', '/srv/swap.img']);
  await host.exec(['mkfs.ext4', '-q', '/srv/swap.img']);
  await host.exec(['mkdir', '-p', '/srv/swap']);
  await host.exec(['mount', '-o', 'loop', '/srv/swap.img', '/srv/swap']);
}

async function clearSwap(host: Host): Promise<void> {
  await clear(host);
  await host.exec(['swapoff', SWAP_FILE], { okCodes: 'any' });
  await host.exec(['umount', '/srv/swap'], { okCodes: 'any' });
  await host.exec(['rm', '-f', '/srv/swap.img']);
  assert.doesNotMatch(await swaps(host), /srv.swap/);
}

let fstab = '';

export function proveSwap(ground: () => Ground): void {
  prove(ground, swapAdd);
  prove(ground, swapCycle);
}

const swapAdd: Row = {
  playbook: 'swap.add',
  when: 'a server has no swap',
  async breakIt(host) {
    await makeSwapDisk(host);
    fstab = await host.readFile('/etc/fstab');
  },
  sees: { diagnostic: 'swap', kind: 'swap.none' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.match(await swaps(host), /^\/srv\/swap\/swapfile\s+file/m);
    assert.match(await host.readFile('/etc/fstab'), /^\/srv\/swap\/swapfile none swap /m);
    assert.equal((await host.exec(['stat', '-c', '%a %U', SWAP_FILE])).stdout, '600 root\n');
    // What a boot does with the line.
    await host.exec(['swapoff', SWAP_FILE]);
    await host.exec(['swapon', '--all']);
    assert.match(await swaps(host), /swapfile/);
  },
  spoil: {
    how: 'somebody else swaps it off while it is watched',
    async breakIt(host) {
      await host.exec(['swapoff', SWAP_FILE]);
      await host.exec(['rm', SWAP_FILE]);
      await host.writeFile('/etc/fstab', fstab);
      await meddle(host, `until grep -q swapfile /proc/swaps; do sleep 0.1; done; sleep 0.5; swapoff ${SWAP_FILE}`);
    },
    undo: 'done',
    async undone(host) {
      assert.doesNotMatch(await swaps(host), /swapfile/);
      await assert.rejects(host.exec(['test', '-e', SWAP_FILE]));
      assert.equal(await host.readFile('/etc/fstab'), fstab);
    },
  },
  clear: clearSwap,
};

/** What it has written is given to swap at once, as after a peak. 21 is MADV_PAGEOUT of madvise(2). */
const SWAPPED_OUT = `
import mmap
peak = mmap.mmap(-1, 48 * 1024 * 1024, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
peak.write(b"x" * len(peak))
peak.madvise(21)
`;
const swappedKib = async (host: Host) =>
  Number(/swapfile\s+file\s+\d+\s+(\d+)/.exec(await swaps(host))?.[1] ?? Number.NaN);

const swapCycle: Row = {
  playbook: 'swap.cycle',
  when: 'a peak is over and much still lies in swap',
  async breakIt(host) {
    await makeSwapDisk(host);
    await host.exec(['fallocate', '-l', '96M', SWAP_FILE]);
    await host.exec(['chmod', '600', SWAP_FILE]);
    await host.exec(['mkswap', SWAP_FILE]);
    await host.exec(['swapon', SWAP_FILE]);
    await startWorker(host, SWAPPED_OUT);
    assert.ok((await swappedKib(host)) > 32 * 1024, await swaps(host));
  },
  sees: { diagnostic: 'swap', kind: 'swap.left_over' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.ok((await swappedKib(host)) < 1024, await swaps(host)),
  spoil: {
    how: 'somebody else swaps it off while it is watched',
    async breakIt(host) {
      await startWorker(host, SWAPPED_OUT);
      const used = `"$(awk '/swapfile/ { print $4 }' /proc/swaps)"`;
      await meddle(host, `until [ ${used} -lt 1024 ]; do sleep 0.1; done; sleep 0.5; swapoff ${SWAP_FILE}`);
    },
    undo: 'done',
    undone: async (host) => assert.match(await swaps(host), /swapfile/),
  },
  clear: clearSwap,
};
