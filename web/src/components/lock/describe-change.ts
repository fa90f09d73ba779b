/** A change of the lock in words. */
import { type LockChange, type LockState, lockSignaturesSchema } from '@countersign/protocol/lock';
import { escapeDeceptive } from '@countersign/protocol/text';

/** What it does, without the key itself: `Add a key of Bo`. */
export function describeChange({ change }: LockChange, before: LockState | null): string {
  switch (change.kind) {
    case 'add':
      return `Add a ${change.key.key.startsWith('passkey:') ? 'passkey' : 'key'} of ${escapeDeceptive(change.key.holder)}`;
    case 'remove':
      return `Remove a key of ${escapeDeceptive(before?.keys.find(({ key }) => key === change.key)?.holder ?? 'a former holder')}`;
    case 'require':
      return 'Ask for other numbers of signatures';
    case 'party':
      return `Count passkeys of ${escapeDeceptive(change.party.id)}, used on ${change.party.origins.map(escapeDeceptive).join(' or ')}`;
    case 'disable':
      return 'End the lock with its recovery secret';
  }
}

/** For what signatures are asked, in the order of weight. */
export const needs = Object.keys(lockSignaturesSchema.shape) as (keyof LockState['signatures'])[];

export const needWords = {
  low: 'Low risk',
  medium: 'Medium risk',
  high: 'High risk',
  critical: 'Critical risk',
  change: 'A change of the lock',
} as const satisfies Record<keyof LockState['signatures'], string>;

/** The numbers that a change asks for, with those before it; empty for other changes. */
export function numbersOfChange({ change }: LockChange, before: LockState | null): string[] {
  if (change.kind !== 'require') return [];
  return needs
    .map((need) => ({ need, was: before?.signatures[need], is: change.signatures[need] }))
    .filter(({ was, is }) => was !== is)
    .map(({ need, was, is }) => `${needWords[need]}: ${was === undefined ? '' : `${was} → `}${is}`);
}

/** The key that a change is about; null for changes without one. */
export function keyOfChange({ change }: LockChange): string | null {
  return change.kind === 'add' ? change.key.key : change.kind === 'remove' ? change.key : null;
}

/** The holders whose keys are among the signatures. The servers check the signatures themselves. */
export function holdersOf(state: LockState, signatures: readonly { readonly key: string }[]): string[] {
  return [
    ...new Set(signatures.flatMap((signature) => state.keys.find(({ key }) => key === signature.key)?.holder ?? [])),
  ];
}
