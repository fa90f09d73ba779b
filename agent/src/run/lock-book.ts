/**
 * The lock as this server follows it: the state that its owner pinned in the policy, and every change since, each signed by
 * holders of the state before. Kept in a file that only grows, so that a followed change is never taken back: neither by a
 * control plane that keeps silent about it, nor by an older pin. Source: `protocol/src/follow-lock.ts`; threats T1, T25.
 */
import { join } from 'node:path';
import {
  canonicalJson,
  Fault,
  fault,
  type LockState,
  lockStateSchema,
  type SignedLockChange,
  signedLockChangeSchema,
} from '@countersign/protocol';
import { changeDigest, followChange, stateDigest } from '@countersign/protocol/follow-lock';
import { z } from 'zod';
import { failPoint } from '../fail-points.ts';
import { AppendFile, halfOf, makeOwnFolder, readOwnFile } from '../host/own-files.ts';
import { SettingsProblem } from '../host/yaml.ts';
import type { LocalPolicy } from './local-policy.ts';

const FILE = 'lock-changes.ndjson';
const FILE_BYTES_MAX = 8 * 1024 * 1024;

/** A pin begins a chain; a change leads on the chain whose newest state it names. */
const lineSchema = z.union([
  z.strictObject({ pin: lockStateSchema }),
  z.strictObject({ change: signedLockChangeSchema }),
]);

/** A pinned state and what became of it. */
interface Chain {
  /** Digests of all its states. */
  readonly states: ReadonlySet<string>;
  /** Digests of the changes that it followed. */
  readonly changes: ReadonlySet<string>;
  readonly newest: LockState;
}

export class LockBook {
  readonly #path: string;
  readonly #folder: string;
  #read: { readonly bytes: Buffer; readonly chains: readonly Chain[] } = { bytes: Buffer.alloc(0), chains: [] };

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, FILE);
  }

  /**
   * A policy with its lock as this server follows it: what is pinned, led on by every change that was followed since. Looks
   * at the disk each time. Throws `SettingsProblem` when the file of changes does not verify or cannot be read.
   */
  follow(policy: LocalPolicy): LocalPolicy {
    if (policy.lock === null) return policy;
    return { ...policy, lock: this.#chainOf(policy.lock)?.newest ?? policy.lock };
  }

  /**
   * Follows changes in their order, each on disk before the next; those that are followed already are passed over. Returns
   * why the first one that does not fit was refused, together with all after it; `null` when none was. Throws as
   * {@link follow} does, and the system's error when the disk does not take them.
   */
  take(pin: LockState | null, changes: readonly SignedLockChange[]): Fault | null {
    if (pin === null) return fault('lock_missing');
    let chain = this.#chainOf(pin);
    for (const change of changes) {
      if (chain?.changes.has(changeDigest(change.change))) continue;
      try {
        followChange(chain?.newest ?? pin, change);
      } catch (error) {
        if (error instanceof Fault) return error;
        throw error;
      }
      this.#append([...(chain === undefined ? [{ pin }] : []), { change }]);
      chain = this.#chainOf(pin);
    }
    return null;
  }

  /** The last chain that has this state. */
  #chainOf(pin: LockState): Chain | undefined {
    const digest = stateDigest(pin);
    return this.#chains().findLast(({ states }) => states.has(digest));
  }

  #chains(): readonly Chain[] {
    const bytes = this.#bytes();
    if (!bytes.equals(this.#read.bytes)) this.#read = { bytes, chains: this.#parse(bytes) };
    return this.#read.chains;
  }

  /** Without a last line that a crash cut off: its change was not followed yet. */
  #bytes(): Buffer {
    try {
      const bytes = readOwnFile(this.#path, FILE_BYTES_MAX)?.bytes ?? Buffer.alloc(0);
      return bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SettingsProblem(`the lock cannot be followed: ${reason}`, { cause: error });
    }
  }

  #parse(bytes: Buffer): readonly Chain[] {
    let chains: readonly Chain[] = [];
    const lines = bytes.toString('utf8').split('\n').slice(0, -1);
    for (const [index, text] of lines.entries()) {
      try {
        const line = lineSchema.parse(JSON.parse(text));
        chains = 'pin' in line ? [...chains, begun(line.pin)] : ledOn(chains, line.change);
      } catch (error) {
        const reason = error instanceof Fault ? `: ${error.message}` : '';
        throw new SettingsProblem(
          `line ${index + 1} of ${this.#path} does not verify${reason}; the lock is followed no further. Compare it with ` +
            '`countersign lock log`, move the file away, and pin the present lock with `countersign-agent lock pin`',
        );
      }
    }
    return chains;
  }

  #append(lines: readonly z.input<typeof lineSchema>[]): void {
    makeOwnFolder(this.#folder);
    const file = AppendFile.open(this.#path);
    try {
      const whole = this.#bytes().length;
      if (file.size > whole) file.truncate(whole);
      const text = lines.map((line) => `${canonicalJson(line)}\n`).join('');
      failPoint('run.lock_book.before_write', () => file.append(halfOf(text), { sync: true }));
      file.append(text, { sync: true });
      failPoint('run.lock_book.after_write');
    } finally {
      file.close();
    }
  }
}

const begun = (pin: LockState): Chain => ({ states: new Set([stateDigest(pin)]), changes: new Set(), newest: pin });

/** A change belongs to every chain that ends with the state before it. */
function ledOn(chains: readonly Chain[], signed: SignedLockChange): readonly Chain[] {
  const { before } = signed.change;
  if (!chains.some(({ newest }) => stateDigest(newest) === before)) throw fault('lock_missing');
  return chains.map((chain) => (stateDigest(chain.newest) === before ? following(chain, signed) : chain));
}

function following(chain: Chain, signed: SignedLockChange): Chain {
  const newest = followChange(chain.newest, signed);
  return {
    states: new Set([...chain.states, stateDigest(newest)]),
    changes: new Set([...chain.changes, changeDigest(signed.change)]),
    newest,
  };
}
