/**
 * A locked server for the kill tests: a real runner and a real link, each a process of its own on loopback, without systemd.
 * The runner listens on a socket, so that either can be killed without the other.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enroll } from '@countersign/agent/verbs/enroll';
import type { ApproverSignature, LockChange, LockState, SignedLockChange } from '@countersign/protocol';
import { signDigest } from '@countersign/protocol/approver-signature';
import { changeDigest, stateDigest } from '@countersign/protocol/follow-lock';
import { makeSigningKey } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import { node, projectFolder } from '../world/places.ts';
import type { World } from '../world/world.ts';

const ada = makeSigningKey();
const bo = makeSigningKey();

/** The first state of the lock: Ada signs everything. */
export const firstLock: LockState = {
  format: 'countersign-lock/1',
  chain: systemIds.id('lck'),
  number: 0,
  keys: [{ key: ada.publicKey, holder: 'Ada' }],
  signatures: { low: 1, medium: 1, high: 1, critical: 1, change: 1 },
  party: null,
  recovery: null,
  disabled: false,
};

/** Ada's signature over a digest. */
export const signed = (digest: string): ApproverSignature => ({
  kind: 'ed25519',
  key: ada.publicKey,
  signature: signDigest(digest, ada.seed),
});

/** The next change of a lock: Bo's key comes or goes. */
export function nextChange(state: LockState): SignedLockChange {
  const has = state.keys.some(({ key }) => key === bo.publicKey);
  const change: LockChange = {
    format: 'countersign-lock-change/1',
    before: stateDigest(state),
    at: state.number + 1,
    change: has ? { kind: 'remove', key: bo.publicKey } : { kind: 'add', key: { key: bo.publicKey, holder: 'Bo' } },
  };
  return { change, signatures: [signed(changeDigest(change))] };
}

const SOURCES = join(projectFolder, 'agent/src/main.ts');

/** Compiled code is kept between runs: a start takes half as long. Only what ends in order writes it. */
const COMPILED = join(projectFolder, 'node_modules/.cache/countersign-faults');

/** One process of the agent, or another program of ours, that may be started to die. */
export class Part {
  ended: Promise<NodeJS.Signals | number | null> = Promise.resolve(null);
  printed = '';
  readonly #argv: readonly string[];
  readonly #ready: RegExp;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  constructor(argv: readonly string[], ready: RegExp, env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    this.#argv = argv;
    this.#ready = ready;
  }

  /** Resolves when it says that it is ready, or is dead already. */
  async start(failPoint: string | null): Promise<void> {
    const child = spawn(node, [...this.#argv], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: COMPILED,
        ...this.#env,
        ...(failPoint === null ? {} : { COUNTERSIGN_FAIL_POINT: failPoint }),
      },
    });
    this.#child = child;
    this.ended = once(child, 'exit').then(([code, signal]) => signal ?? code);
    let said = '';
    const ready = new Promise<void>((resolve) => {
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.printed = `${this.printed}${text}`.slice(-20_000);
        if (process.env.COUNTERSIGN_TEST_LOG) process.stderr.write(text);
        said = `${said}${text}`.slice(-4_000);
        if (this.#ready.test(said)) resolve();
      });
    });
    await Promise.race([ready, this.ended]);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await this.ended;
  }
}

export interface LockedBox extends AsyncDisposable {
  readonly serverId: string;
  readonly name: string;
  readonly folder: string;
  /** The settings file. */
  readonly config: string;
  /** A folder in which files may be written. */
  readonly files: string;
  readonly runner: Part;
  readonly link: Part;
}

/** Enrols a server whose policy pins {@link firstLock}. Nothing of it runs yet. `program`: the agent; its sources unless told. */
export async function lockedBox(world: World, name: string, program = SOURCES): Promise<LockedBox> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-box-'));
  const files = join(folder, 'files');
  await mkdir(join(files, '.ssh'), { recursive: true });
  const { serverId } = await enrolBox(world, name, folder);
  const config = join(folder, 'agent.yaml');
  await appendFile(config, `runner_socket: ${JSON.stringify(join(folder, 'r.sock'))}\n`);
  await writeFile(
    join(folder, 'policy.yaml'),
    `mode: act\nmax_risk: critical\ncommands: true\nlockout: [ssh]\nwrite_roots: [${JSON.stringify(files)}]\n` +
      `read_roots: [${JSON.stringify(files)}]\nlock: ${JSON.stringify(firstLock)}\n`,
    { mode: 0o644 },
  );
  const runner = new Part([program, 'runner', '--config', config], /runner\.ready/);
  const link = new Part([program, 'link', '--config', config], /link\.connected/);
  return {
    ...{ serverId, name, folder, config, files, runner, link },
    async [Symbol.asyncDispose]() {
      await link.stop('SIGTERM');
      await runner.stop('SIGTERM');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Adds a server. Returns the words with which the agent's program enrols as it, in a folder. */
export async function enrolSettings(world: World, name: string, folder: string) {
  const { server, enrolment_token: token, install_command: command } = await world.owner('addServer', { name });
  const cpKey = /--cp-key (\S+)/.exec(command)?.[1] ?? '';
  const words = ['enroll', '--state', folder, '--url', world.url, '--cp-key', cpKey, '--token', token];
  return { server, words };
}

/** Adds a server and enrols an agent in a folder as it. */
export async function enrolBox(world: World, name: string, folder: string): Promise<{ serverId: string }> {
  const { enrolment_token: token, install_command: command } = await world.owner('addServer', { name });
  const cpKey = /--cp-key (\S+)/.exec(command)?.[1];
  return enroll({ file: join(folder, 'agent.yaml'), url: world.url, cpKey, token });
}
