import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../src/digest.ts';
import {
  changeDigest,
  checked,
  followChange,
  holderOf,
  holdersThatSigned,
  stateDigest,
  whyNotCounted,
} from '../src/follow-lock.ts';
import type { LockChange, LockState } from '../src/lock.ts';
import { approver, changeOf, lockOf, PARTY, passkeyHolder } from './approvers.ts';

const ada = approver('Ada');
const adaToo = approver('Ada');
const bob = passkeyHolder('Bob');
const eve = approver('Eve');
const secret = 'clr_0123456789abcdefghij';
const state = lockOf([ada, adaToo, bob], { critical: 2, change: 2 }, { recovery: sha256(secret) });
const digest = sha256('a plan');

const refused = (before: LockState, change: Parameters<typeof followChange>[1], reason: RegExp) =>
  assert.throws(() => followChange(before, change), { code: 'lock_change_invalid', message: reason });

test('when holders sign with several keys or several times, each of them counts once', () => {
  const signed = (...by: { sign(digest: string): ReturnType<typeof ada.sign> }[]) =>
    [
      ...holdersThatSigned(
        state,
        digest,
        by.map((it) => it.sign(digest)),
      ),
    ].toSorted();
  assert.deepEqual(signed(), []);
  assert.deepEqual(signed(ada, adaToo, ada), ['Ada']);
  assert.deepEqual(signed(ada, bob), ['Ada', 'Bob']);
  assert.deepEqual(signed(ada, eve), ['Ada']);
  assert.equal(holdersThatSigned(state, sha256('another'), [ada.sign(digest)]).size, 0);
  assert.equal(whyNotCounted(state, digest, eve.sign(digest)), 'its key is not one that is pinned');
  assert.equal(whyNotCounted(state, digest, bob.assert(digest, { flags: 1 })), 'the passkey did not verify its user');
  assert.equal(whyNotCounted(state, digest, ada.sign(digest)), null);
  assert.deepEqual([holderOf(state, ada.key), holderOf(state, eve.key)], ['Ada', undefined]);
});

test('when enough holders sign a change, the next state is the one that it says, and its number is higher', () => {
  const added = followChange(state, changeOf(state, { kind: 'add', key: { key: eve.key, holder: 'Eve' } }, [ada, bob]));
  assert.deepEqual([added.number, added.keys.length, added.chain], [1, 4, state.chain]);
  const removed = followChange(added, changeOf(added, { kind: 'remove', key: ada.key }, [eve, bob]));
  assert.deepEqual([removed.number, holderOf(removed, ada.key)], [2, undefined]);
  const signatures = { ...state.signatures, low: 2 };
  const asked = followChange(removed, changeOf(removed, { kind: 'require', signatures }, [adaToo, bob]));
  assert.deepEqual(asked.signatures, signatures);
  const party = { id: 'new.example.org', origins: ['https://new.example.org'] };
  const moved = followChange(asked, changeOf(asked, { kind: 'party', party }, [adaToo, eve]));
  assert.deepEqual([moved.number, moved.party], [4, party]);
});

test('T1: when a change was made for another state, before or after, or is played again, it is refused', () => {
  const change = changeOf(state, { kind: 'add', key: { key: eve.key, holder: 'Eve' } }, [ada, bob]);
  const next = followChange(state, change);
  refused(next, change, /another state/);
  const back = followChange(next, changeOf(next, { kind: 'remove', key: eve.key }, [ada, bob]));
  refused(back, change, /another state/);
  refused({ ...state, chain: 'lck_00000000000x' }, change, /another state/);
});

test('T1: when too few present holders signed, or they signed another change, it is refused', () => {
  const change: LockChange['change'] = { kind: 'add', key: { key: eve.key, holder: 'Eve' } };
  refused(state, changeOf(state, change, [ada, adaToo]), /1 of 2 needed holders/);
  refused(state, changeOf(state, change, [ada, eve]), /1 of 2 needed holders/);
  refused(state, changeOf(state, change, []), /0 of 2 needed holders/);
  const mine = changeOf(state, { kind: 'add', key: { key: approver('x').key, holder: 'x' } }, [ada, bob]);
  refused(state, { ...mine, change: { ...mine.change, change } }, /0 of 2/);
});

test('T1: when a change would leave a lock that nobody could open, it is refused', () => {
  const by = [ada, bob];
  refused(state, changeOf(state, { kind: 'remove', key: bob.key }, by), /asks for 2 holders and names 1/);
  refused(state, changeOf(state, { kind: 'remove', key: eve.key }, by), /none of the lock’s/);
  refused(state, changeOf(state, { kind: 'add', key: { key: ada.key, holder: 'Eve' } }, by), /there twice/);
  const many = { ...state.signatures, critical: 3 };
  refused(state, changeOf(state, { kind: 'require', signatures: many }, by), /asks for 3 holders and names 2/);
  refused(state, changeOf(state, { kind: 'party', party: { id: '', origins: [] } }, by), /form of a lock/);
  const keyless = lockOf([ada, eve]);
  const key = { key: bob.key, holder: 'Bob' };
  refused(keyless, changeOf(keyless, { kind: 'add', key }, [ada]), /needs a relying party/);
});

test('T25: when the recovery secret is given, the lock ends without any key, and with no other secret', () => {
  const ended = followChange(state, changeOf(state, { kind: 'disable', secret }, []));
  assert.deepEqual([ended.disabled, ended.number, ended.keys], [true, 1, state.keys]);
  refused(state, changeOf(state, { kind: 'disable', secret: `${secret}x` }, [ada, bob]), /recovery secret is wrong/);
  const without = { ...state, recovery: null };
  refused(without, changeOf(without, { kind: 'disable', secret }, [ada, bob]), /recovery secret is wrong/);
  refused(ended, changeOf(ended, { kind: 'require', signatures: state.signatures }, [ada, bob]), /was ended/);
});

test('when a state is checked, one that could be opened is given back, and any other is refused with the reason', () => {
  assert.deepEqual(checked(state), state);
  const bad = (bent: object, reason: RegExp) =>
    assert.throws(() => checked({ ...state, ...bent }), { code: 'lock_change_invalid', message: reason });
  bad({ format: 'countersign-lock/2' }, /form of a lock/);
  bad({ keys: [] }, /form of a lock/);
  bad({ keys: [state.keys[0], state.keys[0]], signatures: { ...state.signatures, critical: 1, change: 1 } }, /twice/);
  bad({ signatures: { ...state.signatures, change: 1 } }, /fewer may change it \(1\) than must sign a plan \(2\)/);
  bad({ party: null }, /relying party/);
  assert.equal(stateDigest(state).length, 64);
  assert.notEqual(changeDigest(changeOf(state, { kind: 'party', party: PARTY }, []).change), stateDigest(state));
});
