/** A locked server and a witness, from end to end: a real link with a real runner as its child. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeNote } from '@countersign/protocol/checkpoint-note';
import { sha256 } from '@countersign/protocol/digest';
import { followChange } from '@countersign/protocol/follow-lock';
import { makeSigningKey, verifyValue } from '@countersign/protocol/signing';
import { approver, changeOf, lockOf, passkeyHolder } from '../../../protocol/test/approvers.ts';
import { command, draftOf, linesOf, SERVER, until } from '../run/bed.ts';
import { signedApproval } from '../run/locked.ts';
import { ControlPlane } from './control-plane.ts';
import { Agent } from './enrolled.ts';
import { grantFor } from './grant-for.ts';

const ada = approver('Ada');
const bob = passkeyHolder('Bob');
const lock = lockOf([ada, bob]);
const policy = `mode: act\nmax_risk: critical\ncommands: true\nlock: ${JSON.stringify(lock)}\n`;

test('T1: when a server is locked, what its control plane alone grants does not run, and what a holder signed does', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane, { policy });
  agent.link();
  const peer = await controlPlane.welcomed();
  assert.deepEqual(peer.all('hello')[0]?.policy.lock, lock);
  const effects = join(agent.folder, 'effects');
  const draft = draftOf([command('one', 'sh', '-c', `echo ran >>${effects}`)], { risk: 'high' });
  const alone = await grantFor(controlPlane, peer, draft);
  peer.send({ type: 'dispatch', grant: alone });
  const refused = await peer.hears('refused', ({ actionId }) => actionId === alone.grant.actionId);
  assert.equal(refused.fault.code, 'approvals_insufficient');
  assert.match(String(refused.fault.slots.reason), /1 of the holders .* nobody did; the approval of Ada is not signed/);
  const signed = await grantFor(controlPlane, peer, draft, (digest) => ({ approvals: [signedApproval(bob, digest)] }));
  peer.send({ type: 'dispatch', grant: signed });
  const { result } = await peer.hears('finished');
  assert.equal(result.outcome, 'succeeded', JSON.stringify(result));
  assert.deepEqual(linesOf(effects), ['ran']);
});

test('when changes of the lock come, the server tells its policy with the lock that it follows then, and again after a restart', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane, { policy });
  agent.link();
  const peer = await controlPlane.welcomed();
  const eve = approver('Eve');
  const added = changeOf(lock, { kind: 'add', key: { key: eve.key, holder: 'Eve' } }, [ada]);
  const after = followChange(lock, added);
  peer.send({ type: 'lock_changes', changes: [added] });
  const { policy: told } = await peer.hears('policy');
  assert.deepEqual(told.lock, after);
  const mallory = approver('Mallory');
  const forged = changeOf(after, { kind: 'add', key: { key: mallory.key, holder: 'Mallory' } }, [mallory]);
  peer.send({ type: 'lock_changes', changes: [added, forged] });
  await until(() => peer.all('policy').length === 2, 'the second answer');
  assert.deepEqual(peer.all('policy')[1]?.policy.lock, after, 'a change that does not fit is not followed');
  assert.equal(peer.closed, undefined, 'the connection goes on');
  await agent.unlink();
  agent.link();
  const second = await controlPlane.welcomed(2);
  assert.deepEqual(second.all('hello')[0]?.policy.lock, after);
});

test('T22: when checkpoints come, the server countersigns them, keeps them over restarts, and says which contradicts', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link();
  const peer = await controlPlane.welcomed();
  const hello = peer.all('hello')[0];
  assert.deepEqual([hello?.witnessed, typeof hello?.witnessKey], [null, 'string']);
  const checkpoint = (size: number, of = `entry ${size}`, key = controlPlane.key) => ({
    type: 'checkpoint' as const,
    note: writeNote({ size, head: sha256(of), at: 1 }, key),
  });
  peer.send(checkpoint(4));
  const { type: _, signature, ...said } = await peer.hears('countersigned');
  assert.deepEqual([said.serverId, said.size, said.head], [SERVER.id, 4, sha256('entry 4')]);
  assert.equal(verifyValue('witness', said, signature, hello?.witnessKey ?? ''), true);
  peer.send(checkpoint(5, 'entry 5', makeSigningKey()));
  peer.send(checkpoint(4, 'rewritten'));
  const refused = await peer.hears('checkpoint_refused');
  assert.deepEqual([refused.fault.code, refused.kept.head], ['checkpoint_contradicts', sha256('entry 4')]);
  await agent.unlink();
  agent.link();
  const second = await controlPlane.welcomed(2);
  assert.deepEqual(second.all('hello')[0]?.witnessed, { size: 4, head: sha256('entry 4'), at: said.at });
  second.send(checkpoint(3));
  await second.hears('checkpoint_refused');
  const answer = await second.ask({ type: 'ask_witness', timeoutMs: 30_000 });
  assert.ok(answer.type === 'witness', JSON.stringify(answer));
  const { witness, signature: over } = answer.witness;
  assert.equal(verifyValue('witness', witness, over, hello?.witnessKey ?? ''), true);
  assert.deepEqual(
    witness.checkpoints.map(({ size }) => size),
    [4],
  );
  assert.ok(
    agent.logged.some((line) => line.includes('runner.not_passed')),
    'a note of another key is not answered',
  );
});
