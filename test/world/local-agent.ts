/** An agent of this machine in the foreground, as an ordinary process: no systemd needed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { serverOnline } from './install-agent.ts';
import { compiled, node, projectFolder } from './places.ts';
import type { World } from './world.ts';

export interface LocalAgent extends AsyncDisposable {
  readonly serverId: string;
  readonly name: string;
  readonly stateDir: string;
  /** Process of the link. */
  readonly pid: number;
  /** Milliseconds from the start of the process until the control plane saw it online. */
  readonly connectedAfterMs: number;
  /** What the agent printed so far. */
  log(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again. Resolves with the milliseconds until it was connected. */
  start(): Promise<number>;
}

const agentProgram = [node, join(projectFolder, 'agent/src/main.ts')];

export interface LocalAgentOptions {
  /** Text of its own policy. */
  readonly policy: string;
  /** argv of the program to run; the sources unless told. */
  readonly program?: readonly string[];
}

/** Enrols and starts an agent. Resolves when it is online. */
export async function startLocalAgent(
  world: World,
  name: string,
  { policy, program = agentProgram }: LocalAgentOptions,
): Promise<LocalAgent> {
  const stateDir = await mkdtemp(join(tmpdir(), 'countersign-agent-'));
  const { server, enrolment_token: token, install_command: command } = await world.owner('addServer', { name });
  const key = /--cp-key (\S+)/.exec(command)?.[1] ?? '';
  const pin = /--tls-pin (\S+)/.exec(command)?.[1];
  await writeFile(join(stateDir, 'policy.yaml'), policy, { mode: 0o644 });
  const words = [
    'enroll',
    '--url',
    world.url,
    '--cp-key',
    key,
    '--token',
    token,
    '--state',
    stateDir,
    ...(pin ? ['--tls-pin', pin] : []),
  ];
  const [file = '', ...operands] = program;
  await promisify(execFile)(file, [...operands, ...words]);
  const agent = new Running(program, stateDir);
  const connectedAfterMs = await agent.start(world, server.id);
  return {
    serverId: server.id,
    name,
    stateDir,
    connectedAfterMs,
    get pid() {
      return agent.pid;
    },
    log: () => agent.printed,
    stop: (signal) => agent.stop(signal),
    start: () => agent.start(world, server.id),
    [Symbol.asyncDispose]: async () => {
      await agent.stop();
      await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Looks at a status file whenever it is written: who looks every few milliseconds takes a core from the one that starts. */
function connectedIn(status: string): Disposable & { readonly connected: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const folder = watch(dirname(status), (_, name) => {
    if (name === basename(status) && existsSync(status) && readFileSync(status, 'utf8').includes('"connected"'))
      resolve();
  });
  return { connected: promise, [Symbol.dispose]: () => folder.close() };
}

class Running {
  printed = '';
  readonly #program: readonly string[];
  readonly #stateDir: string;
  #child: ChildProcess | undefined;

  constructor(program: readonly string[], stateDir: string) {
    this.#program = program;
    this.#stateDir = stateDir;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(world: World, serverId: string): Promise<number> {
    const began = performance.now();
    const status = join(this.#stateDir, 'link/status.json');
    await rm(status, { force: true });
    using seen = connectedIn(status);
    const [file = '', ...operands] = this.#program;
    const child = spawn(file, [...operands, 'link', '--state', this.#stateDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...compiled },
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printed += text;
      });
    this.#child = child;
    const connected = seen.connected.then(() => performance.now() - began);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the agent ended:\n${this.printed}`);
    });
    ended.catch(() => undefined);
    const ms = await Promise.race([connected, ended]);
    await serverOnline(world, serverId);
    return ms;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const bound = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await ended;
    clearTimeout(bound);
  }
}
