import { spawnSync } from 'node:child_process';
import { type TestContext, type TestOptions, test } from 'node:test';
import { HOST_SCRIPT } from './supervisor.ts';

/** Programs a host needs on this machine, and the Debian package that has each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  flock: 'util-linux',
  setpriv: 'util-linux',
  find: 'findutils',
};

let answer: { reason: string | undefined } | undefined;

/** Why this machine cannot boot a host, in one line; undefined when it can. Tried for real (about 30 ms), once per process. */
export function whyNoHosts(): string | undefined {
  answer ??= { reason: look() };
  return answer.reason;
}

function look(): string | undefined {
  if (process.platform !== 'linux') return `test hosts need Linux; this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'test hosts need root';
  const missing = Object.keys(PROGRAMS).filter((program) => spawnSync(program, ['--version']).error !== undefined);
  const packages = [...new Set(missing.map((program) => PROGRAMS[program]))];
  if (missing.length > 0) return `test hosts need ${missing.join(', ')} (Debian: ${packages.join(' ')})`;
  const probe = spawnSync('sh', [HOST_SCRIPT, 'probe'], { encoding: 'utf8', timeout: 30_000 });
  if (probe.status === 0) return undefined;
  const said = probe.stderr.trim().split('\n')[0] ?? '';
  return `test hosts need namespaces, overlayfs and cgroup2: ${said || `the probe ended with ${probe.status}`}`;
}

/**
 * A test that boots hosts. Where this machine cannot, it is skipped by name with the reason; with COUNTERSIGN_REQUIRE_ALL=1 it
 * fails with it instead.
 */
export function hostTest(title: string, fn: (t: TestContext) => Promise<void>, options: TestOptions = {}): void {
  const reason = whyNoHosts();
  if (reason === undefined) {
    test(title, options, fn);
  } else if (process.env.COUNTERSIGN_REQUIRE_ALL === '1') {
    test(title, () => {
      throw new Error(`COUNTERSIGN_REQUIRE_ALL=1, but ${reason}`);
    });
  } else {
    test(title, { skip: reason });
  }
}
