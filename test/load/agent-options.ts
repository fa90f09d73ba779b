/** What a simulated agent can be told, and how its connections end. */
import type { Backoff } from '@countersign/agent/link/backoff';
import type { PlanDraft, Preview, SignedGrant, Witness } from '@countersign/protocol';
import type { LocalPolicySummary, ServerFacts } from '@countersign/protocol/agent-wire/facts';
import type { FromAgent, FromControlPlane, WireFault } from '@countersign/protocol/agent-wire/messages';
import type { SigningKey } from '@countersign/protocol/signing';
import type { SimulatedAgent } from './simulated-agent.ts';

export type Of<T extends FromControlPlane['type']> = Extract<FromControlPlane, { type: T }>;
export type Reported = Extract<FromAgent, { seq: number }>;
/** A report without its number: the outbox gives one. */
export type Report = Reported extends infer R ? (R extends { seq: number } ? Omit<R, 'seq'> : never) : never;

export interface SimulatedAgentOptions {
  /** Origin of the control plane: `http://127.0.0.1:7070`. */
  readonly url: string;
  /** One-use enrolment token, for the first connection. */
  readonly token?: string | undefined;
  /** Who it is; a fresh key when left out. */
  readonly key?: SigningKey;
  readonly serverId?: string | undefined;
  /** The pinned public key of the control plane; any is taken when left out. */
  readonly controlPlaneKey?: string;
  readonly levels?: { readonly oldest: number; readonly newest: number };
  readonly facts?: Partial<ServerFacts>;
  readonly policy?: Partial<LocalPolicySummary>;
  readonly capabilities?: readonly string[];
  readonly agentVersion?: string;
  /** Its wall clock; the machine's own when left out. */
  readonly now?: () => number;
  /** Sends heartbeats by itself, as often as the control plane asks. Off by default. */
  readonly heartbeats?: boolean;
  /** Answers an observation; throw a `Fault` to fail it. `signal` is aborted when nobody waits any more. */
  readonly onObserve?: (request: Of<'observe'>, signal: AbortSignal) => unknown;
  readonly onPreview?: (draft: PlanDraft, signal: AbortSignal) => Preview | Promise<Preview>;
  readonly onDispatch?: (grant: SignedGrant, agent: SimulatedAgent) => void;
  readonly onStop?: (actionId: string, agent: SimulatedAgent) => void;
  readonly onConfirm?: (confirm: Of<'confirm'>, agent: SimulatedAgent) => void;
  /** Its runner's own key; one that belongs to `key` when left out, none when null: then it is no witness. */
  readonly witnessKey?: SigningKey | null;
  /** What its journal says when it is asked as a witness; empty when left out. */
  readonly journal?: () => Partial<Witness['journal']>;
  /** Changes its witness statement before it is signed: to cheat. */
  readonly tamperWitness?: (witness: Witness) => Witness;
  readonly onSettings?: (settings: Of<'settings'>) => void;
  /** Changes the hello before it is sent: to cheat. */
  readonly tamper?: (hello: Extract<FromAgent, { type: 'hello' }>) => Extract<FromAgent, { type: 'hello' }>;
  /** Address of this machine that it calls from; there are only so many ports on one. */
  readonly localAddress?: string;
  /** Whether it keeps what it received. Under load that would fill the memory. On by default. */
  readonly remembers?: boolean;
  /** For home-made certificates. */
  readonly insecure?: boolean;
}

/** How a connection ended. `fault` when the control plane said why. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly fault: WireFault | undefined;
}

/** The control plane has no time and said when to come back. */
export class SentAway extends Error {
  override readonly name = 'SentAway';
  readonly comeBackMs: number;

  constructor(comeBackMs: number) {
    super('Unexpected server response: 503');
    this.comeBackMs = comeBackMs;
  }
}

/** How long the real link would wait after an attempt that failed, milliseconds. */
export const waitAfter = (error: unknown, backoff: Backoff): number =>
  error instanceof SentAway ? backoff.told(error.comeBackMs) : backoff.next();

/** The control plane did not let the agent in. */
export class TurnedAway extends Error {
  override readonly name = 'TurnedAway';
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(`turned away: ${ending.code} ${ending.fault?.code ?? ''} ${ending.reason}`);
    this.ending = ending;
  }
}
