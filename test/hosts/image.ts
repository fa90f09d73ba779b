import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommand } from './run.ts';

const SUITE = 'bookworm';
/** Raise it when the way a tree is built changes, so that trees built in the old way are not used. */
const RECIPE = 2;
const BUILD_BOUND_MS = 600_000;

/** What every host has: one set, so that one tree serves all tests. */
export const HOST_PACKAGES: readonly string[] = [
  'ca-certificates',
  'cron',
  'curl',
  'dbus',
  'iproute2',
  'logrotate',
  'lsof',
  'nftables',
  'nginx-light',
  'openssh-server',
  'openssl',
  'procps',
  'sudo',
  'systemd',
  'systemd-sysv',
];

/** The catalog's hosts have these besides, and none of them runs until a test starts it. */
export const CATALOG_PACKAGES: readonly string[] = [
  'busybox-static',
  'certbot',
  'docker-compose',
  'docker.io',
  'fail2ban',
  'git',
  'needrestart',
  'postgresql',
  'redis-server',
  'smartmontools',
  'systemd-resolved',
  'systemd-timesyncd',
  'unattended-upgrades',
];

/** What Debian would start at boot of these packages. */
const QUIET_UNITS = [
  ...['docker.service', 'docker.socket', 'containerd.service', 'fail2ban.service', 'postgresql.service'],
  ...['redis-server.service', 'smartmontools.service', 'systemd-resolved.service', 'systemd-timesyncd.service'],
  ...['unattended-upgrades.service', 'certbot.timer', 'apt-daily.timer', 'apt-daily-upgrade.timer'],
  ...['dpkg-db-backup.timer', 'e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer'],
];

/**
 * Gives the folder of a Debian tree with these packages, building it with mmdebstrap where there is none yet: about 25 s and
 * 180 MB per set. Trees are kept under `COUNTERSIGN_HOST_CACHE`, or a folder in the system's temporary one. Several processes may
 * ask at once: one builds, the others wait for it. A build that is cut off leaves nothing that is taken for a tree.
 *
 * @throws Error with mmdebstrap's own words when the build fails (no network, no such package).
 */
export async function buildImage(packages: readonly string[] = HOST_PACKAGES): Promise<string> {
  const set = [...new Set(packages)].sort();
  const key = createHash('sha256')
    .update(JSON.stringify([RECIPE, SUITE, arch(), set]))
    .digest('hex')
    .slice(0, 16);
  const cache = await cacheFolder();
  const tree = join(cache, key);
  if (await exists(tree)) return tree;
  await withLock(join(cache, 'build.lock'), async () => {
    if (await exists(tree)) return;
    for (const left of (await readdir(cache)).filter((name) => name.endsWith('.partial'))) {
      await rm(join(cache, left), { recursive: true });
    }
    const partial = `${tree}.partial`;
    await runCommand(await buildArgv(set, partial), { timeoutMs: BUILD_BOUND_MS });
    await rename(partial, tree);
  });
  return tree;
}

async function buildArgv(packages: readonly string[], target: string): Promise<readonly string[]> {
  // Its own pid namespace, so that the whole build ends with this process.
  const contained = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child'];
  const lean = ['man', 'locale', 'doc'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`);
  const mmdebstrap = ['mmdebstrap', '--quiet', '--mode=root', '--format=directory', '--variant=minbase'];
  const quiet = `for unit in ${QUIET_UNITS.join(' ')}; do chroot "$1" systemctl --quiet disable $unit 2>/dev/null || :; done`;
  const include = `--include=${packages.join(',')}`;
  const speed = '--dpkgopt=force-unsafe-io';
  return [
    ...contained,
    '--mount-proc',
    ...mmdebstrap,
    speed,
    ...lean,
    include,
    `--customize-hook=${quiet}`,
    SUITE,
    target,
    ...(await machineSources()),
  ];
}

/**
 * The lines of this machine's own apt sources that serve Debian's suite, with its updates and security; none where the machine
 * runs something else, and mmdebstrap then falls back on its own default.
 */
async function machineSources(): Promise<readonly string[]> {
  const format = '$(ORIGIN)|$(CODENAME)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)';
  const argv = ['apt-get', 'indextargets', '--format', format, 'Created-By: Packages'];
  const { stdout } = await runCommand(argv, { okCodes: 'any' });
  const wanted = new Set([SUITE, `${SUITE}-updates`, `${SUITE}-security`]);
  const lines = stdout.split('\n').map((line) => line.split('|'));
  const own = lines.filter(([origin, codename = '']) => origin === 'Debian' && wanted.has(codename));
  return [...new Set(own.flatMap(([, , source]) => source ?? []))];
}

async function cacheFolder(): Promise<string> {
  const folder = resolve(process.env.COUNTERSIGN_HOST_CACHE ?? join(tmpdir(), 'countersign-host-cache'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid } = await lstat(folder);
  // Its programs are run as root: in a folder anybody can write to, somebody else may have been there first.
  if (uid !== process.getuid?.())
    throw new Error(`${folder} belongs to user ${uid}: remove it, or set COUNTERSIGN_HOST_CACHE`);
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Runs `work` while holding the kernel's lock on a file, which is let go when this process ends, however it does. */
async function withLock(file: string, work: () => Promise<void>): Promise<void> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(holder, 'close');
  const [first] = await Promise.race([once(holder.stdout, 'data'), closed]);
  if (!Buffer.isBuffer(first)) throw new Error(`flock ${file} ended with ${first}`);
  try {
    await work();
  } finally {
    holder.stdin.end();
    await closed;
  }
}
