/** `countersign-agent lock` and `lock pin FILE`: whose signatures this server counts, shown and set on the server itself. */
import { escapeDeceptive, type LockState } from '@countersign/protocol';
import { stateDigest } from '@countersign/protocol/follow-lock';
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import type { AgentConfig } from '../config.ts';
import { isRefused, readOwnFile, replaceOwnFile } from '../host/own-files.ts';
import { parseSettings, readSettingsText, SettingsProblem, withMember } from '../host/yaml.ts';
import { parsePolicy, pinnedLockSchema, readLocalPolicy } from '../run/local-policy.ts';
import { LockBook } from '../run/lock-book.ts';

const LOCK_BYTES_MAX = 256 * 1024;

/** The lock as this server follows it; `null` when its owner pinned none. Throws `SettingsProblem` where it cannot be told. */
export function followedLock(config: AgentConfig): LockState | null {
  return new LockBook(config.runnerStateDir).follow(readLocalPolicy(config.policyFile)).lock;
}

/** {@link lockSentence} of this server, also for who may not look into the runner's folder and knows only what is pinned. */
export function standingOf(config: AgentConfig): string {
  try {
    return lockSentence(followedLock(config));
  } catch (error) {
    if (!(error instanceof SettingsProblem && isRefused(error.cause))) throw error;
    return `${lockSentence(readLocalPolicy(config.policyFile).lock)} (as pinned; root can see the changes since)`;
  }
}

/** What a lock asks for, one line each. */
export function lockLines(lock: LockState | null, config: AgentConfig): string[] {
  if (lock === null) return [lockSentence(lock), `  \`countersign-agent lock pin FILE\` locks it`];
  const { signatures, keys, party, recovery } = lock;
  const counts = Object.entries(signatures).map(([what, count]) => `${what} ${count}`);
  return [
    lockSentence(lock),
    `  lock        ${lock.chain}, state ${lock.number}, pinned in ${config.policyFile}`,
    `  digest      ${stateDigest(lock)}`,
    `  signatures  ${counts.join(', ')} (how many holders must sign)`,
    ...(party === null ? [] : [`  passkeys    of ${party.id}, on ${party.origins.join(', ')}`]),
    `  recovery    ${recovery === null ? 'none' : 'with the secret that was shown when the lock was made'}`,
    ...keys.map(
      ({ key, holder }) => `  key         ${escapeDeceptive(holder)}  ${kindOf(key)}  ${keyFingerprint(key)}`,
    ),
  ];
}

/** Whether a server believes its control plane, in one sentence. */
export function lockSentence(lock: LockState | null): string {
  if (lock === null) return 'unlocked: this server believes its control plane about who approved';
  if (lock.disabled) return 'unlocked: its lock was ended with the recovery secret, and it believes its control plane';
  const holders = [...new Set(lock.keys.map(({ holder }) => escapeDeceptive(holder)))];
  return `locked: changes need the signature of ${holders.join(' or ')}`;
}

/**
 * Reads a lock from a file, JSON or YAML. Throws `SettingsProblem` when it is none, or one that nobody could open, naming what
 * does not fit.
 */
export function readLockFile(file: string): LockState {
  const found = readOwnFile(file, LOCK_BYTES_MAX);
  if (found === null) throw new SettingsProblem(`there is no lock file ${file}`);
  return parseSettings(found.bytes.toString('utf8'), pinnedLockSchema, file);
}

export interface PinOptions {
  /** The server's own policy; made when there is none. */
  readonly policyFile: string;
  readonly lock: LockState;
  /** Pins it in the place of another lock. */
  readonly replace: boolean;
  /** Writes nothing. */
  readonly checkOnly: boolean;
}

/**
 * Pins a lock in the server's policy; all else in the file stays, comments too. Returns whether anything had to be written.
 * Throws `SettingsProblem` when another lock is pinned already and `replace` is not set.
 */
export function pinLock({ policyFile, lock, replace, checkOnly }: PinOptions): boolean {
  const text = readSettingsText(policyFile) ?? '# What this server lets Countersign do. Only its owner writes here.\n';
  const present = parsePolicy(text, policyFile).lock;
  if (present !== null && stateDigest(present) === stateDigest(lock)) return false;
  if (present !== null && !replace)
    throw new SettingsProblem(
      `this server pins another lock already (${present.chain}, state ${present.number}): to pin this one in its place, run countersign-agent lock pin FILE --replace`,
    );
  const changed = withMember(text, 'lock', lock, policyFile);
  parsePolicy(changed, policyFile);
  if (!checkOnly) replaceOwnFile(policyFile, changed, 0o644);
  return true;
}

const kindOf = (key: string) => (key.startsWith('passkey:') ? 'passkey' : 'ed25519');
