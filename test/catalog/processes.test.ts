import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';
import { clear, HOARDS, mainPid, meddleAfterStep, property, startWorker } from './worker.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('processes');
});
after(async () => ground?.[Symbol.asyncDispose]());

let offender = '';

prove(() => ground, {
  playbook: 'mem.drop_offender',
  when: 'a process holds more memory than its unit may',
  async breakIt(host) {
    // It holds what it does only once, so that it is well after it was started again.
    const once = 'if not os.path.exists("/run/worker.once"):\n    open("/run/worker.once", "w").close()\n';
    await startWorker(host, `${once}    ${HOARDS}`, ['MemoryMax=92M', 'Restart=always', 'RestartSec=100ms']);
    offender = await mainPid(host);
  },
  sees: { diagnostic: 'memory_oom', kind: 'memory.near_limit' },
  parameters: { settle: '1s', watch: '1s' },
  async mended(host) {
    assert.equal(await property(host, 'ActiveState'), 'active');
    assert.notEqual(await mainPid(host), offender);
  },
  spoil: {
    how: 'systemd does not start its unit again',
    breakIt: (host) => startWorker(host, HOARDS, ['MemoryMax=92M', 'KillMode=process']),
    parameters: 'seen',
    undo: 'done',
    async undone(host) {
      assert.equal(await property(host, 'ActiveState'), 'active');
    },
  },
  clear,
});

const nices = async (host: Host) =>
  (await host.exec(['ps', '-L', '-o', 'ni=', '-p', await mainPid(host)])).stdout.trim().split(/\s+/);
const ioClass = async (host: Host) => (await host.exec(['ionice', '-p', await mainPid(host)])).stdout.trim();
/** Hashing leaves Python's lock alone, so that its threads run side by side and get their share on a busy machine too. */
const BURNS = `
import hashlib, threading
def burn():
    while True:
        hashlib.sha256(bytes(8_000_000))
for number in range(3):
    threading.Thread(target=burn).start()
`;

/** Where the kernel shares its time among sessions, nice values count within one only, and a session has its own. Source: sched(7). */
async function startBurning(host: Host): Promise<void> {
  await startWorker(host, BURNS, ['Nice=-5']);
  const session = `/proc/${await mainPid(host)}/autogroup`;
  await host.exec(['sh', '-c', `! test -e ${session} || echo -5 >${session}`]);
}

prove(() => ground, {
  playbook: 'proc.renice',
  when: 'a process uses a whole core',
  breakIt: startBurning,
  sees: { diagnostic: 'cpu_runaway', parameters: { window_s: 2 }, kind: 'cpu.runaway' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.deepEqual(await nices(host), ['10', '10', '10', '10']);
    assert.equal(await ioClass(host), 'idle');
  },
  spoil: {
    how: 'somebody else gives it another nice value while it is watched',
    async breakIt(host) {
      await startBurning(host);
      await meddleAfterStep(host, `renice -n 3 -p ${await mainPid(host)}`);
    },
    parameters: 'seen',
    watch: '20s',
    undo: 'done',
    async undone(host) {
      assert.deepEqual(await nices(host), ['-5', '-5', '-5', '-5']);
      assert.match(await ioClass(host), /^none/);
    },
  },
  clear,
});

/** Children end before anybody listens for them, so that nobody asks for them until the next one ends. */
const FORGETS = `
for number in range(5):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
`;
const REMEMBERS = `
def reap(number, frame):
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass
signal.signal(signal.SIGCHLD, reap)
`;
const zombies = async (host: Host) =>
  (await host.exec(['ps', '-o', 'stat=', '--ppid', await mainPid(host)], { okCodes: 'any' })).stdout.match(/^Z/gm)
    ?.length ?? 0;

prove(() => ground, {
  playbook: 'proc.reap_zombies',
  when: 'a process forgets children that have ended',
  async breakIt(host) {
    await startWorker(host, FORGETS + REMEMBERS);
    offender = await mainPid(host);
    assert.equal(await zombies(host), 5);
  },
  sees: { diagnostic: 'zombies', kind: 'zombies.unreaped' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await zombies(host), 0);
    assert.equal(await mainPid(host), offender, 'it was reminded and not restarted');
  },
  spoil: {
    how: 'it forgets its children again after a restart',
    async breakIt(host) {
      await startWorker(host, FORGETS);
      offender = await mainPid(host);
    },
    parameters: 'seen',
    watch: '20s',
    undo: 'impossible',
    undone: async (host) => assert.notEqual(await mainPid(host), offender, 'it was restarted'),
  },
  clear,
});

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

prove(() => ground, {
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
      await meddleAfterStep(host, `swapoff ${SWAP_FILE}`);
    },
    watch: '20s',
    undo: 'done',
    async undone(host) {
      assert.doesNotMatch(await swaps(host), /swapfile/);
      await assert.rejects(host.exec(['test', '-e', SWAP_FILE]));
      assert.equal(await host.readFile('/etc/fstab'), fstab);
    },
  },
  clear: clearSwap,
});

/** What it has written is given to swap at once, as after a peak. 21 is MADV_PAGEOUT of madvise(2). */
const SWAPPED_OUT = `
import mmap
peak = mmap.mmap(-1, 48 * 1024 * 1024, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
peak.write(b"x" * len(peak))
peak.madvise(21)
`;
const swappedKib = async (host: Host) =>
  Number(/swapfile\s+file\s+\d+\s+(\d+)/.exec(await swaps(host))?.[1] ?? Number.NaN);

prove(() => ground, {
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
      await meddleAfterStep(host, `swapoff ${SWAP_FILE}`);
    },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.match(await swaps(host), /swapfile/),
  },
  clear: clearSwap,
});

/**
 * A network namespace, as a host is, may not set how many connections the kernel tracks, and cannot fill so large a table. So
 * files lie over the two figures of the kernel; all else is real.
 */
const TABLE = '/proc/sys/net/netfilter/nf_conntrack_';
const CONNTRACK_DROP_IN = '/etc/sysctl.d/90-countersign-conntrack.conf';
async function standIn(host: Host, figures: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, figure] of Object.entries(figures)) {
    await host.writeFile(`/srv/conntrack/${name}`, `${figure}\n`);
    const isOver = await host.exec(['mountpoint', '-q', TABLE + name], { okCodes: 'any' });
    if (isOver.exitCode !== 0) await host.exec(['mount', '--bind', `/srv/conntrack/${name}`, TABLE + name]);
  }
}

prove(() => ground, {
  playbook: 'conntrack.raise',
  when: 'the table of connections is nearly full',
  breakIt: (host) => standIn(host, { count: 1900, max: 2000 }),
  sees: { diagnostic: 'conntrack_fd', kind: 'conntrack.near_limit' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await host.readFile(`${TABLE}max`), '4000\n');
    assert.match(await host.readFile(CONNTRACK_DROP_IN), /^net\.netfilter\.nf_conntrack_max = 4000$/m);
  },
  spoil: {
    how: 'connections fill the larger table too while it is watched',
    async breakIt(host) {
      await host.exec(['rm', CONNTRACK_DROP_IN]);
      await standIn(host, { count: 1900, max: 2000 });
      await meddleAfterStep(host, 'echo 3900 >/srv/conntrack/count');
    },
    watch: '20s',
    undo: 'done',
    async undone(host) {
      assert.equal(await host.readFile(`${TABLE}max`), '2000\n');
      await assert.rejects(host.exec(['test', '-e', CONNTRACK_DROP_IN]));
    },
  },
  async clear(host) {
    await clear(host);
    await host.exec(['umount', `${TABLE}count`, `${TABLE}max`], { okCodes: 'any' });
  },
});
