/** The lock on the terminal: its state and its changes in words. Names and keys come from files and people: escaped. */
import { escapeDeceptive, isoTime, type LockSignatures, type LockState } from '@countersign/protocol';
import { stateDigest } from '@countersign/protocol/follow-lock';
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import type { LockChange } from '@countersign/protocol/lock';
import type { FollowedLock, FollowedStep } from './followed-lock.ts';
import { columns } from './terminal.ts';

export const signatureWords = (signatures: LockSignatures): string =>
  Object.entries(signatures)
    .map(([what, count]) => `${what} ${count}`)
    .join(' · ');

/** A state: what counts in it, and its digest to compare with what servers pin. */
export function stateLines(state: LockState): string[] {
  return [
    `Lock ${state.chain}, state ${state.number}${state.disabled ? ', ENDED: servers believe the control plane' : ''}`,
    `  digest      ${stateDigest(state)}`,
    `  signatures  ${signatureWords(state.signatures)}  (holders that must sign)`,
    ...(state.party === null
      ? []
      : [
          `  passkeys    of ${escapeDeceptive(state.party.id)}, on ${state.party.origins.map(escapeDeceptive).join(', ')}`,
        ]),
    `  recovery    ${state.recovery === null ? 'none: only its keys can change it' : 'with a secret that was shown once'}`,
    ...columns(state.keys.map((it) => [`  ${it.holder}`, keyFingerprint(it.key), it.key])),
  ];
}

/** What a change does, for who is to sign it. */
export function changeWords({ change }: LockChange, before: LockState): string {
  switch (change.kind) {
    case 'add':
      return `add a key of ${escapeDeceptive(change.key.holder)}: ${change.key.key} (${keyFingerprint(change.key.key)})`;
    case 'remove': {
      const holder = before.keys.find(({ key }) => key === change.key)?.holder ?? 'nobody';
      return `remove a key of ${escapeDeceptive(holder)}: ${change.key} (${keyFingerprint(change.key)})`;
    }
    case 'require':
      return `ask for other numbers of holders: ${signatureWords(change.signatures)}`;
    case 'party':
      return `take passkeys of ${escapeDeceptive(change.party.id)}, on ${change.party.origins.map(escapeDeceptive).join(', ')}`;
    case 'disable':
      return 'END the lock with its recovery secret: servers believe the control plane again';
  }
}

export function stepLines({ signed, after, before, holders, by }: FollowedStep): string[] {
  const who =
    signed.change.change.kind === 'disable'
      ? 'the recovery secret, as the control plane says'
      : holders.map(escapeDeceptive).join(', ');
  return [
    `${after.number}  ${isoTime(signed.change.at)}  ${changeWords(signed.change, before)}`,
    `   signed by ${who}; handed in by ${escapeDeceptive(by)}`,
  ];
}

/** What was checked here, and from where. */
export function checkedLine({ steps, from, first }: FollowedLock): string {
  const checked = `${steps.length} change${steps.length === 1 ? '' : 's'} checked on this machine`;
  return from === null
    ? `${checked}, from the first state (${stateDigest(first).slice(0, 8)}) as the control plane shows it; --from FILE checks from your own copy.`
    : `${checked}; the chain comes by your own copy in ${from}.`;
}

const standings = {
  unlocked: 'not locked: it believes the control plane',
  following: 'follows',
  behind: 'behind: changes are on their way',
  other_lock: 'pins another lock',
  disabled: 'its lock was ended',
  unknown: 'not known yet',
} as const;

export function serverLines({ servers }: Pick<FollowedLock, 'servers'>): string[] {
  if (servers.length === 0) return ['No servers yet.'];
  return columns([
    ['SERVER', 'STATE', 'ONLINE', 'LOCK'],
    ...servers.map((it) => [
      it.server.name,
      it.number === null ? '–' : String(it.number),
      it.online ? 'yes' : 'no',
      standings[it.state],
    ]),
  ]);
}
