/**
 * What one connection knows of the runner, and tells the control plane of it. The runner is a second Node that has to start, so that the
 * link goes by what it said last, and introduces itself again when that is not so any more.
 */
import { Fault } from '@countersign/protocol';
import type { StatusSample } from '@countersign/protocol/agent-wire/facts';
import type { About } from '../run/runner-wire.ts';
import type { Wire } from './dial.ts';
import type { Introduction } from './handshake.ts';
import type { LinkDeps } from './link.ts';
import { tellTheSame } from './remembered-about.ts';

/** It has to start for it, on a server that may have little processor left. */
const ABOUT_MS = 20_000;
const CHANGED = 'the policy of this server has changed';

export class KnownRunner {
  readonly #deps: LinkDeps;
  readonly #signal: AbortSignal;
  readonly #stamp: string;
  readonly #remembered: About | null;
  #asked: Promise<About | null> | null = null;
  /** What the control plane was told. */
  #introducedAs: About | null = null;

  constructor(deps: LinkDeps, signal: AbortSignal) {
    this.#deps = deps;
    this.#signal = signal;
    this.#stamp = deps.policyStamp();
    this.#remembered = deps.remembered.get(this.#stamp);
  }

  /** Resolves when there is something to introduce this server with, or the runner did not say it in time. */
  async known(): Promise<void> {
    if (this.#remembered === null) await this.ask();
  }

  /** Asks it about itself, once, which also has it tell what it has to report. `null` when it does not answer. */
  ask(): Promise<About | null> {
    this.#asked ??= this.#askNow();
    return this.#asked;
  }

  async introduction(): Promise<Introduction> {
    const deps = this.#deps;
    const about = this.#remembered ?? (await this.ask());
    this.#introducedAs = about;
    const { root, policy } = about ?? (await deps.unknownRunner());
    return {
      serverId: deps.identity.serverId,
      agentVersion: deps.agentVersion,
      facts: deps.facts(root),
      capabilities: deps.capabilities(),
      policy,
      journalHead: about?.journalHead ?? null,
      witnessKey: about?.witnessKey ?? null,
      witnessed: about?.witnessed ?? null,
    };
  }

  /** Ends a connection that was introduced with what is not so. */
  async compare(wire: Wire): Promise<void> {
    this.#look(wire, await this.ask());
  }

  /** Reads the figures of this server, and looks whether it is still what was said of it. */
  sample(wire: Wire): Promise<StatusSample> {
    if (this.#deps.policyStamp() !== this.#stamp) wire.close(1000, CHANGED);
    // Until the runner can be asked, less was said of this server than is so.
    else if (this.#introducedAs === null) void this.#askNow().then((about) => this.#look(wire, about));
    return this.#deps.sample();
  }

  #look(wire: Wire, about: About | null): void {
    if (about === null) return;
    const { log, remembered } = this.#deps;
    if (about.policyProblem !== null) log.error('policy.not_in_force', { problem: about.policyProblem });
    remembered.set(about, this.#stamp);
    if (this.#introducedAs === null || !tellTheSame(this.#introducedAs, about)) wire.close(1000, CHANGED);
  }

  async #askNow(): Promise<About | null> {
    const { clock, log, runner } = this.#deps;
    const controller = new AbortController();
    const cancel = clock.after(ABOUT_MS, () => controller.abort(new Error('the runner does not answer')));
    try {
      return await runner.about(AbortSignal.any([this.#signal, controller.signal]));
    } catch (error) {
      if (!this.#signal.aborted)
        log.error('runner.unreachable', { error: error instanceof Fault ? error.message : error });
      return null;
    } finally {
      cancel();
    }
  }
}
