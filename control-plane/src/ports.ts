/**
 * The few seams between the rings: what the use cases (ring 1) need of the edges (ring 2), as types. `compose.ts` fills
 * them in, so that no use case imports an edge.
 */
import type {
  ActionState,
  ApproverSignature,
  Clock,
  Ids,
  LiveEvent,
  ObservationId,
  ParametersOf,
  PlanDraft,
  Preview,
  ResultOf,
  SignedGrant,
  SignedWitness,
  Strength,
} from '@countersign/protocol';
import type { Proof, Role } from '@countersign/protocol/operator-api/index';
import type { Kysely } from 'kysely';
import type { Tables } from './storage/tables.ts';

/** Who calls an operation. Made at the edge from a checked credential, never from what the caller says of itself. */
export interface Caller {
  readonly person: { readonly id: string; readonly name: string; readonly role: Role };
  readonly via: 'dashboard' | 'cli' | 'mcp' | 'api' | 'telegram';
  /** Set when a token called: it can ask, never decide. */
  readonly token: { readonly id: string; readonly name: string; readonly scope: 'read' | 'request' } | null;
  /** Set when a signed-in human called. `strength` is how the session was made. */
  readonly session: { readonly id: string; readonly strength: Strength } | null;
  /** What the client program calls itself. Data, not proof. */
  readonly client: string | null;
  readonly ip: string | null;
}

/**
 * Takes a fresh proof that it is the signed-in caller who asks, and says what it is worth: `session` for a password, `code`,
 * `passkey` (`access/prove.ts`). Rejects with `proof_needed` for one that the person does not have or that is worth less than
 * `least` (`best`: a code or a passkey from whoever has one), `sign_in_failed` for a wrong one, `rate_limited` after too many.
 */
export type Prove = (
  caller: Caller,
  proof: Proof,
  least?: 'session' | 'code' | 'passkey' | 'best',
) => Promise<'session' | 'code' | 'passkey'>;

/** The servers as use cases see them. Every method rejects with a catalogue fault (`server_offline`, `agent_timeout`, …). */
export interface Fleet {
  isOnline(serverId: string): boolean;
  observe<C extends ObservationId>(
    serverId: string,
    capability: C,
    parameters: ParametersOf<C>,
    options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<ResultOf<C>>;
  preview(serverId: string, draft: PlanDraft, signal?: AbortSignal): Promise<Preview>;
  /** The preview that the server would make, where that is known without asking it; else null. */
  foretell(serverId: string, draft: PlanDraft): Preview | null;
  /** Hands a grant to the link. Resolves when the frame was handed over; what became of it arrives as reports. */
  dispatch(serverId: string, grant: SignedGrant): Promise<void>;
  /** Asks the runner to stop. A server that is offline is asked when it returns. */
  stop(serverId: string, actionId: string): Promise<void>;
  /** Tells the runner that a human confirmed an action; signatures are over its `confirmationDigest`. */
  confirm(serverId: string, actionId: string, signatures: readonly ApproverSignature[]): Promise<void>;
  /** What a server keeps of the audit log and says of its own journal, as it came: verify its signature. */
  askWitness(serverId: string): Promise<SignedWitness>;
  /** Ends the connection of a server that may not connect any more. */
  disconnect(serverId: string): void;
}

/** A way to ask people. Thin: it shows and edits cards; verdicts come in by `actions/decide.ts`. */
export interface ApprovalChannel {
  readonly name: 'telegram' | 'web' | 'ide';
  /** Whether there are copies of cards somewhere: nothing is announced, and nothing has to be brought up to date, where there are none. */
  readonly keepsCopies: boolean;
  /** Whether a card for this action would reach somebody who may decide, now. */
  canReach(actionId: string): Promise<boolean>;
  /** Shows the card of a pending action. Idempotent. */
  announce(actionId: string): Promise<void>;
  /** Brings every copy of the card up to the present state of the action. Idempotent. */
  update(actionId: string): Promise<void>;
}

/** Tells open dashboards that something changed. Never throws. */
export interface LiveStream {
  publish(event: LiveEvent): void;
}

/** Follows committed changes of actions. Each follower is idempotent and has a sweep, so a lost call loses nothing. */
export interface ActionFollower {
  /** `state` is the one that the action is in since the change. */
  actionChanged(actionId: string, state: ActionState): void;
}

/** One line of log: an event name and fields. Nothing secret goes in. */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What nearly every use case needs. A use case takes `Pick<Core, …>` of it, so that its signature tells what it touches. */
export interface Core {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly live: LiveStream;
  readonly log: Log;
}
