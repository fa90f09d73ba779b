import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The shell script that does what has to be done inside of namespaces. */
export const HOST_SCRIPT = fileURLToPath(new URL('./host.sh', import.meta.url));

export interface SupervisorOptions {
  /** Folder of the Debian tree; never written to. */
  readonly image: string;
  readonly name: string;
  /** Size of the host's own disk in MiB; it lives in memory. */
  readonly diskMiB: number;
  /** The host stays when this process ends (only `cli.ts start` wants that). */
  readonly outlive: boolean;
}

/** One running `host.sh supervise`: the process that holds a slot and boots a host in it, again after each reboot. */
export class Supervisor {
  readonly #child: ChildProcess;
  readonly #changes = new EventEmitter();
  readonly #closed: Promise<void>;
  #slot = 0;
  #group = '';
  #pid = 0;
  #boots = 0;
  #ended: string | undefined;
  #stderr = '';

  constructor(options: SupervisorOptions) {
    const supervise = ['unshare', '--mount', 'sh', HOST_SCRIPT, 'supervise'];
    const [file = '', ...rest] = options.outlive ? supervise : ['setpriv', '--pdeathsig', 'TERM', ...supervise];
    const argv = [...rest, options.image, options.name, String(options.diskMiB)];
    // A session of its own: Ctrl-C is for the test; the supervisor hears of its end from the kernel and tidies up.
    this.#child = spawn(file, argv, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.unref();
    for (const stream of [this.#child.stdout, this.#child.stderr]) (stream as unknown as { unref(): void }).unref();
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#told(line));
    this.#closed = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(this.#end(error.message)));
      this.#child.once('close', (code, signal) => resolve(this.#end(`its supervisor ended with ${signal ?? code}`)));
    });
  }

  /** The N of 10.77.N.0/24. */
  get slot(): number {
    return this.#slot;
  }

  /** Folder of the host's control group (cgroup v2) on this machine. */
  get group(): string {
    return this.#group;
  }

  /** Process id, on this machine, of the host's pid 1 in its latest boot. */
  get pid(): number {
    return this.#pid;
  }

  /** How often it has booted. */
  get boots(): number {
    return this.#boots;
  }

  /** Why there is no host any more, with what the script said; undefined while there is one. */
  get ended(): string | undefined {
    return this.#ended === undefined
      ? undefined
      : `${this.#ended}${this.#stderr === '' ? '' : `: ${this.#stderr.trim()}`}`;
  }

  /**
   * Waits until the host has booted more than `boots` times; units may still be starting then.
   *
   * @throws Error when the host ends, or after `timeoutMs`.
   */
  async bootAfter(boots: number, timeoutMs: number): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs);
    const waiting = setTimeout(() => undefined, timeoutMs); // the child itself does not keep this process alive
    try {
      while (this.#boots <= boots) {
        if (this.#ended !== undefined) throw new Error(`the host did not boot: ${this.ended}`);
        await once(this.#changes, 'change', { signal });
      }
    } catch (error) {
      if (signal.aborted) throw new Error(`no boot within ${timeoutMs} ms: ${this.#stderr.trim()}`);
      throw error;
    } finally {
      clearTimeout(waiting);
    }
  }

  /** Ends the host as a power cut would, and waits until nothing of it is left on this machine. Once it has ended, does nothing. */
  async stop(): Promise<void> {
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    this.#child.kill('SIGTERM');
    await this.#closed;
    clearTimeout(patience);
    if (this.#child.exitCode !== 0) throw new Error(`the host was not cleared away: ${this.ended}`);
  }

  /** Lets this process end while the host stays. */
  release(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #told(line: string): void {
    const [word, first = '', second = ''] = line.split(' ');
    if (word === 'slot') {
      this.#slot = Number(first);
      this.#group = second;
    } else if (word === 'boot') {
      this.#pid = Number(first);
      this.#boots += 1;
    } else if (word === 'off') {
      this.#end(first === '130' ? 'it was powered off' : `its pid 1 ended with status ${first}`);
    }
    this.#changes.emit('change');
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#changes.emit('change');
  }
}
