/** An agent that is enrolled with a control plane of the test, in a folder of its own: link in this process, runner as its child. */
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Clock, systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { nodeWithCompiled } from '../../../test/world/places.ts';
import { composeLink } from '../../src/compose.ts';
import { type AgentConfig, readConfig } from '../../src/config.ts';
import { lineLog } from '../../src/host/log.ts';
import { readIdentity } from '../../src/link/identity.ts';
import { keepLinked, type LinkState } from '../../src/link/link.ts';
import { settingsText } from '../../src/settings.ts';
import { enroll } from '../../src/verbs/enroll.ts';
import { countingClock } from '../run/bed.ts';
import type { ControlPlane } from './control-plane.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
export const agentProgram: readonly string[] = [...nodeWithCompiled, MAIN];

/** How often the link looks for life, milliseconds. */
export const PING_MS = 15_000;
/** What the link waits for by itself: the next attempt, the next sign of life, the end of being turned away. */
const WAITS_MS = [1000, PING_MS, 60_000];

/**
 * Its own waits are over so many times sooner, so that a minute of them is no minute of a test. Its patience with others, such as a
 * runner that has to start, stays as long as ever: they live on a real clock and may be slow.
 */
function hurriedClock(times: number): Clock {
  return {
    ...systemClock,
    after: (ms, then) => systemClock.after(WAITS_MS.includes(ms) ? ms / times : ms, then),
  };
}

export interface Settings {
  readonly policy?: string;
  readonly tlsPin?: string;
  readonly caFile?: string;
  readonly proxy?: string;
  readonly url?: string;
}

/** An agent that was enrolled for real. */
export class Agent {
  readonly folder: string;
  readonly config: AgentConfig;
  readonly states: LinkState[] = [];
  readonly logged: string[] = [];
  #stop = new AbortController();
  #clock = countingClock(systemClock, PING_MS);
  #running: Promise<void> = Promise.resolve();

  private constructor(folder: string) {
    this.folder = folder;
    this.config = readConfig(join(folder, 'agent.yaml'));
  }

  static async enrolled(controlPlane: ControlPlane, settings: Settings = {}): Promise<Agent> {
    const folder = newFolder();
    await enroll({
      file: join(folder, 'agent.yaml'),
      url: controlPlane.url,
      cpKey: controlPlane.key.publicKey,
      token: controlPlane.behaviour.token,
      ...settings,
    });
    writeFileSync(
      join(folder, 'policy.yaml'),
      settings.policy ?? `mode: act\nmax_risk: critical\ncommands: true\nread_roots: [${folder}]\n`,
      { mode: 0o644 },
    );
    // Who enrolled is not who is linked: tests look at connections of the link only.
    controlPlane.peers.splice(0);
    return new Agent(folder);
  }

  get serverId(): string | undefined {
    return readIdentity(this.config.stateDir)?.serverId;
  }

  /** How often the present link looked for life. */
  get pings(): number {
    return this.#clock.fired;
  }

  /** How many wait for the end of the present link. */
  get stopListeners(): number {
    return getEventListeners(this.#stop.signal, 'abort').length;
  }

  /** Starts the link; its own waits are over `times` sooner. `program`: argv by which it starts its runner. */
  link(times = 1, program: readonly string[] = agentProgram): this {
    this.#stop = new AbortController();
    const clock = countingClock(hurriedClock(times), PING_MS);
    this.#clock = clock;
    const log = lineLog('link', clock.now, (line) => this.logged.push(line));
    const given = {
      config: this.config,
      surroundings: { listenFd: null, bootId: null, enrolmentToken: null, self: null },
      self: program,
    };
    const link = composeLink({ ...given, clock, log, ids: { ...systemIds, random: () => 0 } }, (state) =>
      this.states.push(state),
    );
    this.#running = keepLinked(link, this.#stop.signal).finally(() => link.dispose());
    return this;
  }

  async unlink(): Promise<void> {
    this.#stop.abort(new Error('the test ends the link'));
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unlink();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'countersign-agent-'));
}

export { MAIN, settingsText };
