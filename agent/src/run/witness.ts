/**
 * This server as a witness: it keeps the checkpoints of the audit log that it is shown, countersigns them with a key of the
 * runner's own, and says what they and its journal hold. Source: `protocol/src/witness.ts`; design.md, section 10; T22, F18.
 */
import { join } from 'node:path';
import { type Clock, Fault, fault, type SignedWitness, type Witness, type Witnessed } from '@countersign/protocol';
import { readNote } from '@countersign/protocol/checkpoint-note';
import { type SigningKey, signValue } from '@countersign/protocol/signing';
import { ownKey } from '../host/own-json.ts';
import { CheckpointBook } from './checkpoint-book.ts';
import { type ActionRecord, journaled } from './journal-index.ts';

/** What the journal says as a whole. */
export interface JournalView {
  readonly head: string;
  readonly lines: number;
  readonly broken: string | null;
  all(): readonly ActionRecord[];
}

export interface WitnessOptions {
  /** The runner's own folder. */
  readonly folder: string;
  readonly clock: Clock;
  readonly serverId: string;
  /** The control plane's key as it was pinned at install. */
  readonly controlPlaneKey: string;
  readonly journal: JournalView;
}

/** The answer to a checkpoint: kept and signed, or why not and what is kept instead. */
export type Countersigned =
  | ({ readonly outcome: 'countersigned'; readonly serverId: string; readonly signature: string } & Witnessed)
  | { readonly outcome: 'refused'; readonly fault: Fault; readonly kept: Witnessed };

const ACTIONS_MAX = 3000;

export class ServerWitness {
  readonly #options: WitnessOptions;
  readonly #book: CheckpointBook;
  #key: SigningKey | null = null;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#book = new CheckpointBook(options.folder, options.clock);
  }

  /** The runner's own key, made at its first use. Throws the system's error, or `RangeError` when the file is damaged. */
  get key(): SigningKey {
    const path = join(this.#options.folder, 'witness-key.json');
    this.#key ??= ownKey(path, 'move it away, and the runner makes another, which is a change that auditors will see');
    return this.#key;
  }

  get newest(): Witnessed | null {
    return this.#book.newest;
  }

  /**
   * Takes a checkpoint as a signed note. Throws `invalid_input` when it is none by the pinned control plane, and
   * `witness_unwritable` when the disk does not take it.
   */
  countersign(note: string): Countersigned {
    const { controlPlaneKey, serverId } = this.#options;
    const checkpoint = readNote(note, controlPlaneKey);
    if (checkpoint === null || checkpoint.size < 1 || !Number.isSafeInteger(checkpoint.size))
      throw fault('invalid_input', { problems: 'note: no checkpoint that the control plane of this server signed' });
    try {
      const { size, head, at } = this.#book.keep(checkpoint);
      const said = { serverId, size, head, at };
      return { outcome: 'countersigned', ...said, signature: signValue('witness', said, this.key.seed) };
    } catch (error) {
      if (error instanceof Error && 'syscall' in error)
        throw fault('witness_unwritable', { reason: error.message }, error);
      const kept = this.#contradicted(checkpoint.size);
      if (!(error instanceof Fault) || kept === null) throw error;
      return { outcome: 'refused', fault: error, kept };
    }
  }

  /** Everything that this server can testify, signed. Throws as {@link key} does. */
  statement(): SignedWitness {
    const { clock, serverId, journal } = this.#options;
    const { publicKey, seed } = this.key;
    const witness: Witness = {
      format: 'countersign-witness/1',
      server: serverId,
      key: publicKey,
      at: clock.now(),
      checkpoints: [...this.#book.all],
      journal: {
        head: journal.head,
        lines: journal.lines,
        broken: journal.broken?.slice(0, 500) ?? null,
        actions: journal.all().slice(-ACTIONS_MAX).map(journaled),
      },
    };
    return { witness, signature: signValue('witness', witness, seed) };
  }

  /** The checkpoint that one of this size contradicts: that of the same size, else the newest. */
  #contradicted(size: number): Witnessed | null {
    return this.#book.all.find((it) => it.size === size) ?? this.#book.newest;
  }
}
