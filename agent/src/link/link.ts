/**
 * The link's one loop: dial, shake hands, serve until the connection ends, wait, begin again. Reports of the runner go into
 * the outbox whether there is a connection or not.
 */
import { type Cancel, type CapabilityId, delay } from '@countersign/protocol';
import type { LocalPolicySummary, ServerFacts } from '@countersign/protocol/agent-wire/facts';
import type { SigningKey } from '@countersign/protocol/signing';
import type { About } from '../run/runner-wire.ts';
import type { Backoff } from './backoff.ts';
import { CannotConnect } from './connect-socket.ts';
import type { Dial, Wire } from './dial.ts';
import { handshake, TurnedAway } from './handshake.ts';
import type { Identity } from './identity.ts';
import { KnownRunner } from './known-runner.ts';
import type { RememberedAbout } from './remembered-about.ts';
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
  const runner = new KnownRunner(deps, signal);
  // A control plane waits for an introduction only so long.
  await runner.known();
  const { dialled, cancel } = dialInTime(deps, signal);
  // While the name is looked up and the other side is on its way.
  deps.onState({ state: 'connecting' });
  try {
    const wire = await dialled;
    const onAbort = () => {
      wire.close(1001, 'the agent stops');
      deps.clock.after(GOODBYE_MS, () => wire.cut());
    };
    signal.addEventListener('abort', onAbort, { once: true, signal: over.signal });
    const { key, controlPlaneKey, clock, ids } = deps;
    const introduce = () => runner.introduction();
    const welcomed = await handshake({ wire, key, controlPlaneKey, clock, ids, introduce });
    cancel();
    deps.onState({ state: 'connected', serverName: welcomed.welcome.serverName, skewMs: welcomed.skewMs });
    void runner.compare(wire);
    const during = {
      sample: () => runner.sample(wire),
      onAbout: (changed: Partial<About>) => deps.remembered.change(changed),
    };
    const why = await session({ ...deps, ...during }, wire, welcomed);
    return { why, code: null, final: false, comeBackMs: null };
  } catch (error) {
    const code = error instanceof TurnedAway ? error.fault.code : null;
    const why = error instanceof Error ? error.message : String(error);
    void runner.ask(); // what it has to report goes into the outbox meanwhile
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
