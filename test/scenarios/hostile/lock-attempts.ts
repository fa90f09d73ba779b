/** Every way to bend the lock of a server from the control plane: changes that no holder signed, and some that one signed once. */
import type { LockChange, LockState, SignedLockChange } from '@countersign/protocol';
import { changeDigest, followChange, stateDigest } from '@countersign/protocol/follow-lock';
import { systemIds } from '@countersign/protocol/system-ids';
import { approver, changeOf, lockOf } from '../../../protocol/test/approvers.ts';
import type { People } from './spoils.ts';

export interface LockAttempt {
  readonly name: string;
  readonly changes: readonly unknown[];
}

const SECRETS = 200;

/** `present`: the lock as the server follows it. `followed`: the changes that led to it, which a control plane keeps. */
export function lockAttempts(
  { ada, adaPhone, grace, recovery }: People,
  present: LockState,
  followed: readonly SignedLockChange[],
): LockAttempt[] {
  const mallory = approver('Mallory');
  const mine = { kind: 'add', key: { key: mallory.key, holder: 'Mallory' } } as const;
  const open = { kind: 'require', signatures: { low: 1, medium: 1, high: 1, critical: 1, change: 1 } } as const;
  const change = (what: LockChange['change'], before = stateDigest(present)): LockChange => ({
    format: 'countersign-lock-change/1',
    before,
    at: Date.now(),
    change: what,
  });
  const disable = (secret: string): SignedLockChange => ({
    change: change({ kind: 'disable', secret }),
    signatures: [],
  });
  const unsigned = (what: LockChange['change']): SignedLockChange => ({ change: change(what), signatures: [] });
  const other = lockOf([mallory, ada], {}, { chain: systemIds.id('lck') });
  const elsewhere = lockOf([ada, grace], {}, { chain: systemIds.id('lck') });
  const added = change(mine);
  const addedTwice = changeOf(followChange(other, changeOf(other, open, [mallory])), mine, [mallory]);
  return [
    { name: 'a key added without a signature', changes: [unsigned(mine)] },
    { name: 'a key added, signed by itself', changes: [changeOf(present, mine, [mallory])] },
    {
      name: 'a key added, with a pinned key on the signature of another',
      changes: [{ change: added, signatures: [{ ...mallory.sign(changeDigest(added)), key: ada.key }] }],
    },
    {
      name: 'a key added, signed by one holder of two with both keys',
      changes: [changeOf(present, mine, [ada, adaPhone])],
    },
    { name: 'fewer signatures asked for, unsigned', changes: [unsigned(open)] },
    { name: 'a key removed, unsigned', changes: [unsigned({ kind: 'remove', key: grace.key })] },
    {
      name: 'another site for passkeys, unsigned',
      changes: [unsigned({ kind: 'party', party: { id: 'evil.example', origins: ['https://evil.example'] } })],
    },
    {
      name: 'a change of another lock that the same people signed',
      changes: [changeOf(elsewhere, mine, [ada, grace])],
    },
    {
      name: 'a change of another lock, made for this state',
      changes: [{ ...changeOf(elsewhere, mine, [ada]), change: added }],
    },
    {
      name: 'a whole other chain, well signed by its own keys',
      changes: [changeOf(other, open, [mallory]), addedTwice],
    },
    { name: 'what was followed already, again', changes: followed },
    { name: 'what was followed already, in another order', changes: followed.toReversed() },
    { name: 'a change of an earlier state, signed then', changes: [changeOf(lockBefore(present), mine, [ada, grace])] },
    {
      name: 'a signature over a plan instead of the change',
      changes: [{ change: added, signatures: [ada.sign('0'.repeat(64)), adaPhone.sign('0'.repeat(64))] }],
    },
    { name: 'the lock ended with its recovery hash', changes: [disable(`clr_${present.recovery ?? ''}`)] },
    {
      name: `the lock ended with ${SECRETS} wrong secrets`,
      changes: Array.from({ length: 100 }, () => disable(systemIds.secret('clr_'))),
    },
    {
      name: 'the same, again',
      changes: Array.from({ length: SECRETS - 100 }, () => disable(systemIds.secret('clr_'))),
    },
    {
      name: 'the recovery secret for another state',
      changes: [{ change: change({ kind: 'disable', secret: recovery }, '0'.repeat(64)), signatures: [] }],
    },
  ];
}

/** The first state of the same chain. */
function lockBefore(present: LockState): LockState {
  return { ...present, number: 0 };
}
