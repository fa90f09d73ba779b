/**
 * The link's one loop: dial, shake hands, serve until the connection ends, wait, begin again. Reports of the runner go into
 * the outbox whether there is a connection or not.
 */
import { type Cancel, type CapabilityId, delay, Fault } from '@countersign/protocol';
import type { LocalPolicySummary, ServerFacts, StatusSample } from '@countersign/protocol/agent-wire/facts';
import type { SigningKey } from '@countersign/protocol/signing';
import type { About } from '../run/runner-wire.ts';
import type { Backoff } from './backoff.ts';
import { CannotConnect } from './connect-socket.ts';
import type { Dial, Wire } from './dial.ts';
import { handshake, type Introduction, TurnedAway } from './handshake.ts';
import type { Identity } from './identity.ts';
import { type RememberedAbout, tellTheSame } from './remembered-about.ts';
import { type SessionDeps, session } from './session.ts';

/** How the link stands, for `status` and for the log. */
export type LinkState =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected'; readonly serverName: string; readonly skewMs: number }
  | { readonly state: 'waiting'; readonly why: string; readonly code: string | null; readonly waitMs: number };

export interface LinkDeps extends Omit<SessionDeps, 'onAbout'> {
  readonly dial: Dial;
  readonly backoff: Backoff;
  readonly key: SigningKey;
  readonly identity: Identity;
  readonly controlPlaneKey: string;
  readonly agentVersion: string;
  /** What can be done on this machine. */
  readonly capabilities: () => CapabilityId[];
  readonly facts: (root: boolean) => ServerFacts;
  readonly remembered: RememberedAbout;
  /** What to say when the runner never could be asked. */
  readonly unknownRunner: () => Promise<{ root: boolean; policy: LocalPolicySummary }>;
  readonly onState: (state: LinkState) => void;
  /** Changes when the policy file does. */
  readonly policyStamp: () => string;
}

const ABOUT_MS = 8000;
const DIAL_MS = 30_000;
const GOODBYE_MS = 2000;
/** A connection that lasted so long was a good one: the next break waits from the start again. */
const GOOD_MS = 30_000;
/** Turned away for good, as far as we can see: somebody has to do something first. */
const LONG_WAIT_MS = 60_000;

/** Keeps the connection until `signal` is aborted. Never rejects for what a connection can meet. */
export async function keepLinked(deps: LinkDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const began = deps.clock.monotonic();
    const ended = await connectOnce(deps, signal);
    if (signal.aborted) return;
    if (deps.clock.monotonic() - began >= GOOD_MS) deps.backoff.reset();
    const jittered = ended.comeBackMs === null ? deps.backoff.next() : deps.backoff.told(ended.comeBackMs);
    const waitMs = ended.final ? Math.max(jittered, LONG_WAIT_MS) : jittered;
    deps.onState({ state: 'waiting', why: ended.why, code: ended.code, waitMs: Math.round(waitMs) });
    await delay(deps.clock, waitMs, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

interface Ended {
  readonly why: string;
  /** Catalogue code, when the control plane gave one. */
  readonly code: string | null;
  readonly final: boolean;
  /** When the control plane said to come back, milliseconds from then. */
  readonly comeBackMs: number | null;
}

async function connectOnce(deps: LinkDeps, signal: AbortSignal): Promise<Ended> {
  const over = new AbortController();
  const { dialled, cancel } = dialInTime(deps, signal);
  // While the name is looked up and the other side is on its way.
  deps.onState({ state: 'connecting' });
  const stamp = deps.policyStamp();
  const remembered = deps.remembered.get(stamp);
  let asked: Promise<About | null> | null = null;
  const about = () => {
    asked ??= askRunner(deps, signal);
    return asked;
  };
  // The runner is a second Node that has to start: it is not woken beside the handshake unless that has to wait for it.
  if (remembered === null) void about();
  try {
    const wire = await dialled;
    const onAbort = () => {
      wire.close(1001, 'the agent stops');
      deps.clock.after(GOODBYE_MS, () => wire.cut());
    };
    signal.addEventListener('abort', onAbort, { once: true, signal: over.signal });
    const { key, controlPlaneKey, clock, ids } = deps;
    const welcomed = await handshake({
      wire,
      key,
      controlPlaneKey,
      clock,
      ids,
      introduce: async () => introduce(deps, remembered ?? (await about())),
    });
    cancel();
    deps.onState({ state: 'connected', serverName: welcomed.welcome.serverName, skewMs: welcomed.skewMs });
    void about().then((about) => about !== null && tellAgain(deps, wire, { about, stamp, remembered }));
    const during = {
      sample: () => sampleAndLookAtPolicy(deps, wire, stamp),
      onAbout: (changed: Partial<About>) => deps.remembered.change(changed),
    };
    const why = await session({ ...deps, ...during }, wire, welcomed);
    return { why, code: null, final: false, comeBackMs: null };
  } catch (error) {
    const code = error instanceof TurnedAway ? error.fault.code : null;
    const why = error instanceof Error ? error.message : String(error);
    void about(); // what it has to report goes into the outbox meanwhile
    const comeBackMs = error instanceof CannotConnect ? error.comeBackMs : null;
    return { why, code, final: code === 'server_revoked' || code === 'agent_unproven', comeBackMs };
  } finally {
    cancel();
    over.abort();
  }
}

/** Begins to dial. After half a minute it is given up, unless that is cancelled. */
function dialInTime(deps: LinkDeps, signal: AbortSignal): { dialled: Promise<Wire>; cancel: Cancel } {
  const attempt = new AbortController();
  const cancel = deps.clock.after(DIAL_MS, () => attempt.abort(new Error('not connected within 30 s')));
  const dialled = deps.dial(AbortSignal.any([signal, attempt.signal]));
  dialled.catch(() => undefined); // heard of by who waits for it
  return { dialled, cancel };
}

/** The policy is told in the introduction: when its file changes, the link introduces itself again. */
async function sampleAndLookAtPolicy(deps: LinkDeps, wire: Wire, stamp: string): Promise<StatusSample> {
  if (deps.policyStamp() !== stamp) wire.close(1000, 'the policy of this server has changed');
  return deps.sample();
}

/** Ends a connection that was introduced with what is not so any more. */
function tellAgain(
  deps: LinkDeps,
  wire: Wire,
  { about, stamp, remembered }: { about: About; stamp: string; remembered: About | null },
): void {
  if (about.policyProblem !== null) deps.log.error('policy.not_in_force', { problem: about.policyProblem });
  deps.remembered.set(about, stamp);
  if (remembered !== null && !tellTheSame(remembered, about)) wire.close(1000, 'the policy of this server has changed');
}

/** Asks the runner about itself, which also has it tell what it has to report. `null` when it does not answer. */
async function askRunner(deps: LinkDeps, signal: AbortSignal): Promise<About | null> {
  const controller = new AbortController();
  const cancel = deps.clock.after(ABOUT_MS, () => controller.abort(new Error('the runner does not answer')));
  try {
    return await deps.runner.about(AbortSignal.any([signal, controller.signal]));
  } catch (error) {
    if (!signal.aborted)
      deps.log.error('runner.unreachable', { error: error instanceof Fault ? error.message : error });
    return null;
  } finally {
    cancel();
  }
}

async function introduce(deps: LinkDeps, about: About | null): Promise<Introduction> {
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
