/**
 * A small world for tests: the real control plane as a process of its own on a real store, the Telegram twin where the
 * network ends, a person who owns everything, and whatever agents a test adds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { delay, systemClock } from '@countersign/protocol';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import type { Call } from '@countersign/protocol/operator-api/index';
import { trustCertificates } from './assistants.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { lendPackage } from './lent-package.ts';
import { compiled, node, projectFolder } from './places.ts';
import { startTelegramTwin, type TelegramTwin } from './telegram-twin/start-telegram-twin.ts';

export interface WorldOptions {
  /** Address to listen on. Off loopback the control plane speaks TLS with its own certificate. 127.0.0.1 unless told. */
  readonly host?: string;
  /** Name under which people and servers reach it, such as `ops.example.org`: passkeys need one. The tests dial `host` all the same. */
  readonly name?: string;
  readonly telegram?: boolean;
  /** Text of policy.yaml; the built-in policy unless told. */
  readonly policy?: string;
  /** Whether `start.ts` runs instead, with an agent for this machine. */
  readonly localAgent?: 'observe' | 'act';
  /** Whether it makes the agent's package itself, as on a fresh machine; else it may be lent one. */
  readonly ownPackage?: boolean;
}

export interface World extends AsyncDisposable {
  readonly url: string;
  /** The origin that people and servers are told; {@link url} unless the world has a name. */
  readonly publicUrl: string;
  readonly dataDir: string;
  /** Process of the control plane. */
  readonly pid: number;
  readonly twin: TelegramTwin | undefined;
  /** The owner, signed in by a CLI session. */
  readonly owner: Call;
  readonly ownerSession: string;
  readonly email: string;
  readonly password: string;
  /** Makes a token for an assistant. */
  token(scope?: 'read' | 'request'): Promise<string>;
  /** A client with any bearer credential. */
  as(bearer: string): Call;
  /** What the control plane printed so far. */
  log(): string;
  /** Stops the process (SIGKILL by default) and starts it again on the same store and port; `meanwhile` may touch the store. */
  restart(signal?: NodeJS.Signals, meanwhile?: () => Promise<void>): Promise<void>;
  /** Ends the process and leaves it so. */
  halt(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again where it ended, to die at a place of `fail-points.ts` unless `null`. Resolves when it answers, or is dead already. */
  revive(failPoint: string | null): Promise<void>;
  /** By which signal the present process ended, or its exit code; pending while it runs. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

/** Builds the world; everything in it ends when it is disposed. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const dataDir = await mkdtemp(join(tmpdir(), 'countersign-world-'));
  const host = options.host ?? '127.0.0.1';
  const port = await freePort(host);
  const secure = !host.startsWith('127.');
  const url = secure ? `https://${host}:${port}` : `http://localhost:${port}`;
  const publicUrl = options.name === undefined ? url : `https://${options.name}:${port}`;
  const twin = options.telegram ? await startTelegramTwin() : undefined;
  if (secure && !options.ownPackage) await lendPackage(join(dataDir, 'agent-packages'));
  if (options.policy !== undefined) await writeFile(join(dataDir, 'policy.yaml'), options.policy);
  const process = new ControlPlane(options, { dataDir, host, port, publicUrl, twin });
  await process.start();
  const email = 'ada@example.org';
  const password = 'correct horse battery staple';
  const session = await setUp({ dataDir, url, email, password });
  const as = (bearer: string) => operatorClient({ base: url, fetch, bearer });
  const owner = as(session);
  return {
    url,
    publicUrl,
    dataDir,
    twin,
    owner,
    ownerSession: session,
    get pid() {
      return process.pid;
    },
    email,
    password,
    as,
    token: async (scope = 'request') => (await owner('createToken', { name: `assistant ${scope}`, scope })).secret,
    log: () => process.printed,
    restart: async (signal = 'SIGKILL', meanwhile) => {
      await process.stop(signal);
      await meanwhile?.();
      await process.start();
    },
    halt: (signal) => process.stop(signal),
    revive: (failPoint) => process.start(failPoint),
    get ended() {
      return process.ended;
    },
    [Symbol.asyncDispose]: async () => {
      await process.stop('SIGTERM');
      await twin?.[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Place {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  readonly twin: TelegramTwin | undefined;
}

class ControlPlane {
  printed = '';
  ended: Promise<NodeJS.Signals | number | null> = Promise.resolve(null);
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  readonly #options: WorldOptions;
  readonly #place: Place;
  #child: ChildProcess | undefined;

  constructor(options: WorldOptions, place: Place) {
    this.#options = options;
    this.#place = place;
  }

  async start(failPoint: string | null = null): Promise<void> {
    const { dataDir, host, port, publicUrl, twin } = this.#place;
    const script = this.#options.localAgent ? 'start.ts' : 'main.ts';
    const child = spawn(node, [join(projectFolder, 'control-plane/src', script)], {
      cwd: projectFolder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        ...compiled,
        HOME: dataDir,
        COUNTERSIGN_DATA: dataDir,
        COUNTERSIGN_HOST: host,
        COUNTERSIGN_PORT: String(port),
        COUNTERSIGN_URL: publicUrl,
        COUNTERSIGN_LOCAL_AGENT: this.#options.localAgent ?? 'off',
        NO_COLOR: '1',
        ...(failPoint === null ? {} : { COUNTERSIGN_FAIL_POINT: failPoint }),
        ...(twin ? { TELEGRAM_BOT_TOKEN: twin.token, TELEGRAM_API_ROOT: twin.apiRoot } : {}),
      },
    });
    this.#child = child;
    this.ended = once(child, 'exit').then(([code, signal]) => signal ?? code);
    // Its greeting is the last that it does before it serves. To ask until it answers would cost as much as its start.
    const greeted = Promise.withResolvers<void>();
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.printed += text;
        if (process.env.COUNTERSIGN_TEST_LOG) process.stderr.write(text);
        said = `${said}${text}`.slice(-2000);
        if (stream === child.stdout && /Ctrl-C stops/.test(said)) greeted.resolve();
      });
    if (!host.startsWith('127.')) await this.#trust(dataDir);
    const late = delay(systemClock, 120_000).then(() => 'is not there after two minutes');
    const ended = this.ended.then((how) => (typeof how === 'number' ? `ended with ${how}` : undefined));
    const wrong = await Promise.race([greeted.promise, ended, late]);
    if (wrong !== undefined) throw new Error(`the control plane ${wrong}:\n${this.printed}`);
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const bound = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await ended;
    clearTimeout(bound);
  }

  /** Trusts the home-made certificate in this process, as a person does who looked at the pin. */
  async #trust(dataDir: string): Promise<void> {
    const file = join(dataDir, 'keys/tls.crt');
    const certificate = await eventually('the certificate', () => readFile(file, 'utf8'));
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), certificate]);
    trustCertificates(file);
  }
}

async function setUp({
  dataDir,
  url,
  email,
  password,
}: {
  dataDir: string;
  url: string;
  email: string;
  password: string;
}): Promise<string> {
  const link = await eventually('the setup link', () => readFile(join(dataDir, 'setup-link'), 'utf8'));
  const secret = link.trim().split('#').at(-1) ?? '';
  const { session } = await operatorClient({ base: url, fetch })('setUp', {
    secret,
    email,
    name: 'Ada',
    password,
    cli: true,
  });
  if (session === null) throw new Error('setup gave no CLI session');
  return session;
}
