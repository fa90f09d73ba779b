/** A test host with the driver in it: capabilities run there as the runner would run them, under its own systemd. */
import { copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { RememberedStep } from '@countersign/agent/capabilities/capability';
import type { ChangeId, Json, ObservationId, ResultOf } from '@countersign/protocol';
import { bootHost, type Host } from '../hosts/host.ts';
import { runCommand } from '../hosts/run.ts';
import type { DriverAnswer, DriverRequest } from './driver-wire.ts';

const NODE = '/opt/driver/node';
const DRIVER = '/opt/driver/driver.mjs';

export interface CallOptions {
  readonly actionId?: string;
  readonly step?: string;
  readonly memory?: Json;
  readonly earlier?: readonly RememberedStep[];
  /** As in the hardened unit of the runner: no network but loopback of its own. */
  readonly privateNetwork?: boolean;
}

export class DrivenHost implements AsyncDisposable {
  readonly host: Host;

  private constructor(host: Host) {
    this.host = host;
  }

  /** Boots a host and puts Node and the driver into it, as root of this machine can by way of /proc. */
  static async boot(name: string): Promise<DrivenHost> {
    const bundle = await bundleDriver();
    const host = await bootHost({ name });
    const root = `/proc/${host.pid}/root`;
    await mkdir(`${root}/opt/driver`, { recursive: true });
    await copyFile(await realpath(process.execPath), `${root}${NODE}`);
    for (const library of await librariesOf(process.execPath)) await copyFile(library, `${root}${library}`);
    await copyFile(bundle.file, `${root}${DRIVER}`);
    await bundle[Symbol.asyncDispose]();
    return new DrivenHost(host);
  }

  /** Observes; fails with the fault's code and message when there is one. */
  async observe<C extends ObservationId>(
    capability: C,
    parameters: object = {},
    options: CallOptions = {},
  ): Promise<ResultOf<C>> {
    const answer = await this.ask({ call: 'observe', capability, parameters, ...asked(options) }, options);
    return granted(answer) as ResultOf<C>;
  }

  /** Calls one method of a changer; returns its value, or the fault. */
  async change(
    call: 'preview' | 'remember' | 'perform' | 'undo' | 'recover',
    capability: ChangeId,
    parameters: object,
    options: CallOptions = {},
  ): Promise<DriverAnswer> {
    return this.ask({ call, capability, parameters, ...asked(options) }, options);
  }

  /** Remembers and performs, as the runner does; returns the result and what an undo needs. */
  async run(
    capability: ChangeId,
    parameters: object,
    options: CallOptions = {},
  ): Promise<{ result: DriverAnswer; memory: Json; earlier: RememberedStep }> {
    const memory = granted(await this.change('remember', capability, parameters, options)) as Json;
    const result = await this.change('perform', capability, parameters, { ...options, memory });
    return {
      result,
      memory,
      earlier: { step: options.step ?? 'step', capability, parameters: parameters as Record<string, Json>, memory },
    };
  }

  async ask(request: DriverRequest, options: Pick<CallOptions, 'privateNetwork'> = {}): Promise<DriverAnswer> {
    const apart = ['systemd-run', '--quiet', '--pipe', '--wait', '--property=PrivateNetwork=yes', '--'];
    const argv = [...(options.privateNetwork ? apart : []), NODE, DRIVER];
    const done = await this.host.exec(argv, { input: JSON.stringify(request), timeoutMs: 60_000 });
    return JSON.parse(done.stdout) as DriverAnswer;
  }

  /** The argv that the driver is started with. */
  get argv(): readonly string[] {
    return [NODE, DRIVER];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
  }
}

/** The value of an answer; throws when there is a fault instead. */
export function granted(answer: DriverAnswer): unknown {
  if (answer.fault) throw new Error(`${answer.fault.code}: ${answer.fault.message}`);
  return answer.value;
}

let actions = 0;

/** An action id that was not used before in this process. */
export function nextAction(): string {
  actions += 1;
  return `act_${String(actions).padStart(12, '0')}`;
}

function asked(options: CallOptions) {
  return {
    actionId: options.actionId ?? nextAction(),
    step: options.step ?? 'step',
    memory: options.memory ?? null,
    earlier: options.earlier ?? [],
  };
}

/** What this Node needs beyond the C library, and a small Debian may lack. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await runCommand(['ldd', program]);
  return [...stdout.matchAll(/=> (\/\S*\/lib(?:atomic|stdc\+\+|gcc_s)\.so\.\d+)/g)].map(([, path = '']) => path);
}

async function bundleDriver(): Promise<AsyncDisposable & { readonly file: string }> {
  // Only the agent has the bundler among its dependencies.
  const path = createRequire(import.meta.resolve('@countersign/agent/main')).resolve('rolldown');
  const { rolldown } = (await import(pathToFileURL(path).href)) as typeof import('rolldown');
  const folder = await mkdtemp(join(tmpdir(), 'countersign-driver-'));
  const file = join(folder, 'driver.mjs');
  const build = await rolldown({
    input: fileURLToPath(new URL('./driver.ts', import.meta.url)),
    platform: 'node',
    logLevel: 'silent',
  });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
