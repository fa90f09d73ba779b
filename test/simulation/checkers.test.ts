/** The checkers of the simulation find what they are for, and the disk forgets what a disk forgets. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { AppendFile, readOwnFile, replaceOwnFile } from '@countersign/agent/host/own-files';
import { Chance } from './chance.ts';
import type { Effect } from './effect-ledger.ts';
import { type ActionFacts, checkAction, checkChain, checkEnded, checkPauses } from './lifecycle-check.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { VirtualDisk } from './virtual-disk.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const arrow = (from: string | null, event: string, to: string) => ({ from, event, to, note: null });
const done: ActionFacts = {
  id: 'act_1',
  state: 'succeeded',
  digest: sha256('{}'),
  plan: '{}',
  startBy: 1,
  hasResult: true,
  history: [
    arrow(null, 'propose', 'awaiting_approval'),
    arrow('awaiting_approval', 'approve', 'approved'),
    arrow('approved', 'dispatch', 'dispatched'),
    arrow('dispatched', 'start', 'running'),
    arrow('running', 'succeed', 'succeeded'),
  ],
};
const run: Effect = { at: 1, serverClock: 1, serverId: 'srv_1', actionId: 'act_1', step: 'go', kind: 'run' };
const remembered = { needed: 1, approvers: new Set(['ben']), decisions: ['approve'] };

test('when an action went well, the checker has nothing to say', () => {
  checkAction(done, remembered, [run]);
  checkEnded(done);
});

test('when something is wrong with an action, the checker says what', () => {
  const wrong: [RegExp, () => void][] = [
    [/2 effects/, () => checkAction(done, remembered, [run, run])],
    [/with 0 of 1 approvals/, () => checkAction(done, { ...remembered, approvers: new Set() }, [run])],
    [/decided approve and reject/, () => checkAction(done, { ...remembered, decisions: ['approve', 'reject'] }, [run])],
    [/reject was acknowledged/, () => checkAction(done, { ...remembered, decisions: ['reject'] }, [run])],
    [/not the one of its digest/, () => checkAction({ ...done, plan: '{"x":1}' }, remembered, [run])],
    [/without an effect/, () => checkAction(done, remembered, [])],
    [
      /there is no arrow/,
      () => checkAction({ ...done, history: [arrow(null, 'succeed', 'succeeded')] }, remembered, [run]),
    ],
    [/its history ends elsewhere/, () => checkAction({ ...done, state: 'failed' }, remembered, [run])],
    [/stuck in approved/, () => checkEnded({ ...done, state: 'approved' })],
    [/nobody says why/, () => checkEnded({ ...done, state: 'unknown', hasResult: false })],
    [/while changes were paused/, () => checkPauses(['dispatch.paused', 'action.dispatched'])],
  ];
  for (const [words, check] of wrong) assert.throws(check, words);
});

test('when a line of the audit log is changed, left out or put elsewhere, the checker finds it', () => {
  const lines: { seq: number; body: string; hash: string }[] = [];
  for (let seq = 1; seq <= 4; seq += 1) {
    const body = JSON.stringify({ seq, prev: lines.at(-1)?.hash ?? '0'.repeat(64) });
    lines.push({ seq, body, hash: sha256(body) });
  }
  const [one, two, three, four] = lines as [(typeof lines)[0], (typeof lines)[0], (typeof lines)[0], (typeof lines)[0]];
  assert.equal(checkChain(lines), four);
  assert.throws(() => checkChain([one, three, four]), /gap/);
  assert.throws(() => checkChain([one, two, { ...three, body: three.body.replace('}', ',"x":1}') }, four]), /changed/);
  assert.throws(() => checkChain([one, { ...three, seq: 2 }]), /out of place/);
});

test('F6: when the power goes, the simulated disk keeps what was synced and at most the beginning of the rest', () => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 60; seed += 1) {
    using disk = new VirtualDisk();
    const folder = disk.folderOf('runner', new SimulatedProcess('runner'));
    const file = AppendFile.open(`${folder}/log`);
    file.append('synced\n', { sync: true });
    file.append('not synced\n', { sync: false });
    replaceOwnFile(`${folder}/whole`, 'one', 0o600);
    disk.loseUnsynced(new Chance(seed));
    const kept = readOwnFile(`${folder}/log`, 1000)?.bytes.toString() ?? '';
    assert.ok('synced\nnot synced\n'.startsWith(kept) && kept.startsWith('synced\n'), kept);
    assert.equal(readOwnFile(`${folder}/whole`, 1000)?.bytes.toString(), 'one');
    lengths.add(kept.length);
  }
  assert.ok(lengths.size > 3, 'it tears at different places');
});
