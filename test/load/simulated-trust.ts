/**
 * The part of a simulated agent that a runner has on a real server: it follows a lock from its own pin and keeps checkpoints of the
 * audit log, with real keys and the protocol's own rules.
 */
import type { SignedLockChange, SignedWitness, Witness, Witnessed } from '@countersign/protocol';
import type { LocalPolicySummary } from '@countersign/protocol/agent-wire/facts';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { readNote } from '@countersign/protocol/checkpoint-note';
import { followChange, stateDigest } from '@countersign/protocol/follow-lock';
import { type SigningKey, signValue } from '@countersign/protocol/signing';

export class SimulatedTrust {
  /** Null for a server whose runner cannot be reached: it is no witness. */
  readonly key: SigningKey | null;
  /** Every checkpoint that it keeps, oldest first. A test may plant another one. */
  readonly kept: Witnessed[] = [];
  policy: LocalPolicySummary;

  constructor(key: SigningKey | null, policy: LocalPolicySummary) {
    this.key = key;
    this.policy = policy;
  }

  get newest(): Witnessed | null {
    return this.kept.at(-1) ?? null;
  }

  /** Follows what follows from its own state, and passes over the rest. */
  follow(changes: readonly SignedLockChange[]): LocalPolicySummary {
    for (const change of changes) {
      const { lock } = this.policy;
      if (lock !== null && change.change.before === stateDigest(lock))
        this.policy = { ...this.policy, lock: followChange(lock, change) };
    }
    return this.policy;
  }

  /** Keeps a checkpoint, or refuses one that is not signed by the pinned key, smaller than the newest, or another of its size. */
  keep(note: string, serverId: string, controlPlaneKey: string): FromAgent | null {
    const checkpoint = readNote(note, controlPlaneKey);
    if (checkpoint === null || this.key === null) return null;
    const { newest } = this;
    if (
      newest !== null &&
      (checkpoint.size < newest.size || (checkpoint.size === newest.size && checkpoint.head !== newest.head))
    ) {
      const slots = { size: checkpoint.size, kept: newest.size };
      return { type: 'checkpoint_refused', fault: { code: 'checkpoint_contradicts', slots }, kept: newest };
    }
    if (checkpoint.size !== newest?.size) this.kept.push(checkpoint);
    const statement = { serverId, ...checkpoint };
    return { type: 'countersigned', ...statement, signature: signValue('witness', statement, this.key.seed) };
  }

  /** What it says when it is asked; null without a runner. */
  statement(
    server: string,
    at: number,
    journal: Partial<Witness['journal']>,
    tamper = (it: Witness) => it,
  ): SignedWitness | null {
    if (this.key === null) return null;
    const witness = tamper({
      format: 'countersign-witness/1',
      server,
      key: this.key.publicKey,
      at,
      checkpoints: this.kept,
      journal: { head: '0'.repeat(64), lines: 0, broken: null, actions: [], ...journal },
    });
    return { witness, signature: signValue('witness', witness, this.key.seed) };
  }
}
