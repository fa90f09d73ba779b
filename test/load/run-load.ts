/**
 * One load from beginning to end: a real control plane as a process of its own on a real store, thousands of simulated agents in worker
 * processes, assistants, a person who decides; all links cut at once, the control plane killed; and then the judge.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { socketsPossible } from '../bench/process-figures.ts';
import { type Assistant, connectAssistant } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { startWorld, type World } from '../world/world.ts';
import { ActionStories } from './action-stories.ts';
import { readLedgers } from './agent-ledger.ts';
import { Crowd } from './crowd.ts';
import { enrolMany } from './enrol-many.ts';
import { goodCount, SERVERS_MIN, steadyCount } from './fleet-roles.ts';
import { type Judgement, judgeLoad } from './judge-load.ts';
import { Latencies, type LatencyRow } from './latencies.ts';
import { type PhaseMeter, ProcessMeter } from './process-meter.ts';
import { Pulse } from './pulse.ts';
import { Traffic } from './traffic.ts';

export interface LoadOptions {
  readonly servers: number;
  /** How long it lasts, without connecting and coming back, seconds. */
  readonly seconds: number;
  readonly workers: number;
  readonly callsPerSecond: number;
  readonly actionsPerSecond: number;
  readonly alertsPerSecond: number;
  readonly seed: number;
  /** It goes on, however slow the machine is, until so many actions were approved, so many alerts raised, and each kind of call answered. */
  readonly atLeast?: { readonly approved: number; readonly alerts: number };
  /** Is told what happens. */
  readonly say: (line: string) => void;
}

export interface Storm {
  readonly what: string;
  readonly agents: number;
  /** From the blow until everybody was welcomed again. */
  readonly seconds: number;
  /** Until the control plane answered again; null where it was not killed. */
  readonly answersAfterSeconds: number | null;
}

export interface LoadResult {
  readonly servers: number;
  /** Empty when nothing was lost, done twice, or answered about something else. */
  readonly problems: readonly string[];
  readonly enrolSeconds: number;
  readonly connectSeconds: number;
  readonly storms: readonly Storm[];
  readonly latencies: readonly LatencyRow[];
  readonly refusals: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly process: readonly PhaseMeter[];
  /** Connected and idle, against the same process before the first connection, KB and milliseconds of CPU per minute. */
  readonly perAgent: { readonly rssKb: number; readonly anonymousKb: number; readonly idleCpuMsPerMinute: number };
  readonly judged: Judgement;
  readonly failedConnects: Readonly<Record<string, number>>;
  readonly troubleEnded: Readonly<Record<string, number>>;
  readonly leftOut: { readonly calls: number; readonly actions: number };
  /** The longest that the load maker itself was late, milliseconds: its workers. */
  readonly makerLateMs: number;
}

const CONNECT_MS = 600_000;
/** Where other work runs, the control plane may get a tenth of a core: then a storm of 2,000 took 112 s. */
const COMEBACK_MS = 600_000;
const ASSISTANTS = 8;

/** Why so many servers cannot be had on this machine; null when they can. */
export function whyTooMany(servers: number): string | null {
  if (servers < SERVERS_MIN) return `at least ${SERVERS_MIN} servers, so that every kind of agent is there`;
  const possible = socketsPossible();
  if (servers <= possible) return null;
  return (
    `the control plane needs an open file per server, and the limits of this machine allow ${possible}: raise the hard limit as ` +
    `root (ulimit -Hn ${servers + 1000}; LimitNOFILE= in a systemd unit), or take fewer servers`
  );
}

/** Runs it. Rejects when it cannot be carried out; what it found wrong is in `problems`. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const ledgerFolder = await mkdtemp(join(tmpdir(), 'countersign-ledgers-'));
  try {
    await using world = await startWorld();
    return await new Load(options, world, ledgerFolder).run();
  } finally {
    await rm(ledgerFolder, { recursive: true, force: true });
  }
}

interface Makers {
  readonly pulse: Pulse;
  readonly traffic: Traffic;
  readonly stories: ActionStories;
}

class Load {
  readonly #options: LoadOptions;
  readonly #world: World;
  readonly #ledgerFolder: string;
  readonly #latencies = new Latencies();
  readonly #meter: ProcessMeter;
  readonly #storms: Storm[] = [];

  constructor(options: LoadOptions, world: World, ledgerFolder: string) {
    this.#options = options;
    this.#world = world;
    this.#ledgerFolder = ledgerFolder;
    this.#meter = new ProcessMeter(() => world.pid);
  }

  async run(): Promise<LoadResult> {
    const { servers, say } = this.#options;
    const tokens = await Promise.all(Array.from({ length: ASSISTANTS }, () => this.#world.token('request')));
    let serverIds: readonly string[] = [];
    const enrolling = performance.now();
    await this.#world.restart('SIGTERM', async () => {
      serverIds = await enrolMany(this.#world.dataDir, servers);
    });
    const enrolSeconds = secondsSince(enrolling);
    say(`${servers} servers enrolled in ${enrolSeconds.toFixed(1)} s`);
    await using stack = new AsyncDisposableStack();
    const crowd = stack.use(await this.#crowd(serverIds));
    const connectSeconds = await this.#connect(crowd);
    const assistants: Assistant[] = [];
    for (const token of tokens)
      assistants.push(stack.use(await connectAssistant('v2', { url: this.#world.url, token })));
    const makers = await this.#phases(crowd, assistants);
    return { servers, enrolSeconds, connectSeconds, ...(await this.#finish(crowd, makers)) };
  }

  /** As long as the control plane takes to give back what its start, or the first connections, left; in a short load memory is not looked at. */
  get #restMs(): number {
    return this.#options.seconds < 30 ? 2000 : 12_000;
  }

  async #crowd(serverIds: readonly string[]): Promise<Crowd> {
    const { owner, url } = this.#world;
    const { install_command } = await owner('addServer', { name: 'not-of-the-load' });
    const controlPlaneKey = /--cp-key (\S+)/.exec(install_command)?.[1] ?? '';
    return new Crowd({
      ...{ serverIds, workers: this.#options.workers, controlPlaneKey, ledgerFolder: this.#ledgerFolder },
      url: url.replace('localhost', '127.0.0.1'),
    });
  }

  async #connect(crowd: Crowd): Promise<number> {
    await this.#phase('empty', this.#restMs);
    this.#begin('connecting');
    const began = performance.now();
    crowd.tell({ do: 'connect' });
    await crowd.allConnected({ welcomes: crowd.good, timeoutMs: CONNECT_MS });
    const seconds = secondsSince(began);
    this.#meter.end();
    this.#options.say(`${crowd.good} agents connected for the first time in ${seconds.toFixed(1)} s`);
    return seconds;
  }

  async #phases(crowd: Crowd, assistants: readonly Assistant[]): Promise<Makers> {
    const { seconds, seed, callsPerSecond, actionsPerSecond: perSecond, alertsPerSecond } = this.#options;
    const { servers, atLeast } = this.#options;
    const latencies = this.#latencies;
    const share = (part: number) => seconds * part * 1000;
    await this.#phase('settling', Math.max(this.#restMs, Math.min(30_000, share(0.1))));
    await this.#phase('idle', share(0.15));
    const pulse = new Pulse(this.#world.url, latencies);
    const traffic = new Traffic({ assistants, servers, callsPerSecond, latencies, seed });
    const stories = new ActionStories({ assistants, approver: this.#world.owner, servers, perSecond, latencies });
    for (const maker of [pulse, traffic, stories]) maker.start();
    crowd.raiseAlerts(alertsPerSecond);
    await this.#phase('quiet', share(0.25), () => atLeast === undefined || traffic.eachAnsweredIn('quiet'));
    crowd.tell({ do: 'trouble' });
    await this.#phase('slow and flooding agents', share(0.15));
    await this.#cutAll(crowd);
    await this.#phase('between the storms', share(0.1));
    await this.#kill(crowd);
    const isEnough = () =>
      atLeast === undefined ||
      (traffic.eachAnsweredIn('afterwards') && stories.approved >= atLeast.approved && crowd.alerts >= atLeast.alerts);
    await this.#phase('afterwards', share(0.25), isEnough);
    return { pulse, traffic, stories };
  }

  async #cutAll(crowd: Crowd): Promise<void> {
    const agents = goodCount(this.#options.servers) - steadyCount(this.#options.servers);
    this.#begin('all links cut');
    const began = performance.now();
    const { welcomes } = crowd;
    crowd.tell({ do: 'cut' });
    await this.#allBack(crowd, welcomes + agents);
    this.#storm({ what: 'all links cut at once', agents, seconds: secondsSince(began), answersAfterSeconds: null });
  }

  async #kill(crowd: Crowd): Promise<void> {
    this.#begin('control plane killed');
    const began = performance.now();
    const { welcomes } = crowd;
    await this.#world.restart('SIGKILL');
    const answersAfterSeconds = secondsSince(began);
    await this.#allBack(crowd, welcomes + crowd.good);
    const seconds = secondsSince(began);
    this.#storm({ what: 'control plane killed with SIGKILL', agents: crowd.good, seconds, answersAfterSeconds });
  }

  /** Rejects with what the control plane had of the machine, since that is the first question then. */
  async #allBack(crowd: Crowd, welcomes: number): Promise<void> {
    await crowd.allConnected({ welcomes, timeoutMs: COMEBACK_MS }).catch((error: unknown) => {
      this.#meter.end();
      const storm = JSON.stringify(this.#meter.phases.at(-1));
      throw new Error(`${error instanceof Error ? error.message : error}; the control plane: ${storm}`, {
        cause: error,
      });
    });
  }

  async #finish(crowd: Crowd, { pulse, traffic, stories }: Makers) {
    this.#begin('ending');
    pulse.stop();
    crowd.tell({ do: 'calm' });
    await Promise.all([traffic.stop(), stories.stop()]);
    await crowd.allCalm(COMEBACK_MS);
    this.#meter.end();
    const { ok, problems: audit } = await this.#world.owner('verifyAudit', {});
    const { failed: failedConnects, failedTrouble: troubleEnded, lateMs: makerLateMs } = crowd;
    await this.#world.halt('SIGTERM');
    const ledgers = readLedgers(this.#ledgerFolder);
    const judged = await judgeLoad({ dataDir: this.#world.dataDir, stories: stories.all, ledgers });
    const unverified = ok && audit.length === 0 ? [] : [`the audit log does not verify: ${JSON.stringify(audit)}`];
    return {
      ...{ judged, failedConnects, troubleEnded, makerLateMs, storms: this.#storms },
      problems: [...judged.problems, ...traffic.wrong, ...unverified],
      ...{ latencies: this.#latencies.rows(), refusals: this.#latencies.refusals() },
      ...{ process: this.#meter.phases, perAgent: perAgentOf(this.#meter.phases, crowd.good) },
      leftOut: { calls: traffic.leftOut, actions: stories.leftOut },
    };
  }

  #begin(phase: string): void {
    this.#latencies.phase = phase;
    this.#meter.begin(phase);
  }

  /** A phase lasts so long, and longer where a machine that stalls did not come to all that it is for. */
  async #phase(name: string, ms: number, isEnough = () => true): Promise<void> {
    this.#options.say(`${name}: ${(ms / 1000).toFixed(0)} s`);
    this.#begin(name);
    await pause(ms);
    await eventually(`enough to happen in phase ${name}`, isEnough);
    this.#meter.end();
  }

  #storm(storm: Storm): void {
    this.#meter.end();
    this.#storms.push(storm);
    const { what, agents, seconds } = storm;
    this.#options.say(`${what}: all ${agents} agents were back after ${seconds.toFixed(1)} s`);
  }
}

function perAgentOf(phases: readonly PhaseMeter[], agents: number): LoadResult['perAgent'] {
  const of = (name: string) => phases.find(({ phase }) => phase === name);
  const [empty, idle] = [of('empty'), of('idle')];
  if (!empty || !idle) throw new Error('the phases without traffic are missing');
  return {
    rssKb: ((idle.rss - empty.rss) * 1024) / agents,
    anonymousKb: ((idle.anonymous - empty.anonymous) * 1024) / agents,
    idleCpuMsPerMinute: ((idle.cpu - empty.cpu) * 60_000) / agents,
  };
}

const secondsSince = (began: number) => (performance.now() - began) / 1000;
