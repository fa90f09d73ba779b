import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pauseAfter } from '../world/eventually.ts';
import { buildImage, HOST_PACKAGES } from './image.ts';
import { type CommandOptions, type CommandResult, runCommand } from './run.ts';
import { HOST_SCRIPT, Supervisor } from './supervisor.ts';

const STATE_FOLDER = '/run/countersign-hosts';
const BOOT_BOUND_MS = 30_000;

/** What a command inside has in its environment before the caller adds to it. */
export const HOST_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
};

export interface HostOptions {
  /** Its host name (letters, digits, dashes); two hosts may share one. `host` unless told. */
  readonly name?: string;
  /** Debian packages on top of {@link HOST_PACKAGES}; each set is one more tree to build, so ask for few sets. */
  readonly packages?: readonly string[];
  /** Size of its whole disk in MiB, kept in memory: fill it and it is full. 2048 unless told. */
  readonly diskMiB?: number;
}

/** Where a host that runs is found on this machine. */
export interface HostPlace {
  readonly name: string;
  readonly address: string;
  readonly supervisorPid: number;
  /** Process id, out here, of its pid 1. */
  readonly pid: number;
  /** Folder of its control group. */
  readonly group: string;
}

/**
 * The argv that runs a command inside a host, as root, in the control group of its pid 1.
 *
 * @param place the host's control group and pid 1, as seen from this machine
 */
export function insideArgv(place: { group: string; pid: number }, argv: readonly string[]): readonly string[] {
  return ['sh', HOST_SCRIPT, 'exec', place.group, String(place.pid), ...argv];
}

/** A Debian booted by its own systemd in namespaces of its own. Get one from {@link bootHost} with `await using`. */
export class Host {
  readonly name: string;
  /** Its address, 10.77.N.2: reachable from this machine only. */
  readonly address: string;
  /** This machine as the host sees it, 10.77.N.1: what listens here is what the host can dial. */
  readonly gateway: string;
  readonly #supervisor: Supervisor;

  constructor(name: string, supervisor: Supervisor) {
    this.name = name;
    this.address = `10.77.${supervisor.slot}.2`;
    this.gateway = `10.77.${supervisor.slot}.1`;
    this.#supervisor = supervisor;
  }

  /** Process id, on this machine, of the host's pid 1; a reboot changes it. */
  get pid(): number {
    return this.#supervisor.pid;
  }

  /**
   * Runs a command inside as root. `env` is added to PATH, HOME and LANG; nothing else of this process's environment is seen.
   *
   * @throws Error as `runCommand` does, or when the host is off.
   */
  async exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    if (this.#supervisor.ended !== undefined) throw new Error(`${this.name} is off: ${this.#supervisor.ended}`);
    const env = { ...HOST_ENVIRONMENT, ...options.env };
    return runCommand(insideArgv(this.#supervisor, argv), { ...options, env });
  }

  /** Writes a file inside, making the folders it lies in. `mode` is octal digits, `0644` unless told. */
  async writeFile(path: string, content: string | Uint8Array, mode = '0644'): Promise<void> {
    const script = 'mkdir -p -- "$(dirname -- "$1")" && cat >"$1" && chmod -- "$2" "$1"';
    await this.exec(['sh', '-c', script, 'sh', path, mode], { input: content });
  }

  /** Reads a file inside as UTF-8. @throws Error when there is none. */
  async readFile(path: string): Promise<string> {
    return (await this.exec(['cat', '--', path])).stdout;
  }

  /** What the journal has of a unit, all boots, oldest first, or the whole journal. */
  async logs(unit?: string): Promise<string> {
    const which = unit === undefined ? [] : ['--unit', unit];
    return (await this.exec(['journalctl', '--no-pager', '--quiet', '--output', 'short-iso-precise', ...which])).stdout;
  }

  /**
   * Asks again and again ({@link pauseAfter}) until a command inside exits with 0, or a function gives true.
   *
   * @param bound.timeoutMs 30 000 unless told
   * @throws Error naming the condition (`bound.what`, or the command with what it said last) when it does not hold in time.
   */
  async waitFor(
    condition: readonly string[] | (() => boolean | Promise<boolean>),
    bound: { timeoutMs?: number; what?: string } = {},
  ): Promise<void> {
    const timeoutMs = bound.timeoutMs ?? 30_000;
    const deadline = performance.now() + timeoutMs;
    let last = '';
    const holds = async (): Promise<boolean> => {
      if (typeof condition === 'function') return condition();
      const result = await this.exec(condition, { okCodes: 'any' });
      last = `${result.stdout}${result.stderr}`.trim().slice(-500);
      return result.exitCode === 0;
    };
    for (let paused = pauseAfter(); !(await holds()); paused = pauseAfter(paused)) {
      if (performance.now() >= deadline) {
        const what = bound.what ?? (typeof condition === 'function' ? 'the condition' : condition.join(' '));
        throw new Error(`${this.name}: not within ${timeoutMs} ms: ${what}${last === '' ? '' : `: ${last}`}`);
      }
      await delay(paused);
    }
  }

  /**
   * Restarts the host and waits until its units are up. Its disk stays, `/run` and its network settings do not, and it gets a new
   * boot id. With `abrupt` nothing inside is told: every process is gone at once, as when the power is cut and comes back.
   */
  async reboot(options: { abrupt?: boolean } = {}): Promise<void> {
    const before = this.#supervisor.boots;
    const force = options.abrupt === true ? ['--force', '--force'] : [];
    await this.exec(['systemctl', 'reboot', ...force], { okCodes: 'any' });
    await this.#supervisor.bootAfter(before, BOOT_BOUND_MS);
    await this.ready();
  }

  /** Waits until systemd has started what it starts at boot: state `running`, or `degraded` when a unit failed. */
  async ready(): Promise<void> {
    const argv = ['systemctl', 'is-system-running', '--wait'];
    const up = async () => /^(running|degraded)$/.test((await this.exec(argv, { okCodes: 'any' })).stdout.trim());
    await this.waitFor(up, { timeoutMs: BOOT_BOUND_MS, what: 'systemd has booted' });
  }

  /** Lets this process end while the host stays; only `cli.ts` wants that. */
  release(): void {
    this.#supervisor.release();
  }

  /** Ends the host as a power cut would; no process, mount, control group or interface of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor.stop();
  }
}

/**
 * Boots a host from a clean copy of the Debian tree (which is built first where it is missing) and waits until its units are up.
 * It ends with this process at the latest, however that ends, unless `outlive` is set.
 *
 * @throws Error when this machine cannot (see requirements.ts), or the host does not come up within 30 s.
 */
export async function bootHost(options: HostOptions & { outlive?: boolean } = {}): Promise<Host> {
  const name = options.name ?? 'host';
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) throw new Error(`not a host name: ${name}`);
  const image = await buildImage([...HOST_PACKAGES, ...(options.packages ?? [])]);
  const diskMiB = options.diskMiB ?? 2048;
  const supervisor = new Supervisor({ image, name, diskMiB, outlive: options.outlive === true });
  try {
    await supervisor.bootAfter(0, BOOT_BOUND_MS);
    const host = new Host(name, supervisor);
    await host.ready();
    return host;
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

/** The hosts that run on this machine, whoever booted them, after clearing away what dead ones left. */
export async function listHosts(): Promise<readonly HostPlace[]> {
  await runCommand(['sh', HOST_SCRIPT, 'sweep']);
  const files = (await readdir(STATE_FOLDER)).filter((file) => file.endsWith('.host'));
  const places: HostPlace[] = [];
  for (const file of files) {
    const text = await readFile(join(STATE_FOLDER, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined; // it ended just now
      throw error;
    });
    if (text === undefined) continue;
    const [name = '', supervisorPid = '', pid = '', group = ''] = text.split('\n');
    const address = `10.77.${file.replace('.host', '')}.2`;
    places.push({ name, address, supervisorPid: Number(supervisorPid), pid: Number(pid), group });
  }
  return places;
}
