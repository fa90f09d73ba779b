import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lockStateSchema } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { stateDigest } from '@countersign/protocol/follow-lock';
import { startBendingProxy } from './bending-proxy.ts';
import { type Machine, makeMachine, password } from './processes.ts';

/** A control plane, its owner, and three keys without passphrase. */
async function machineWithKeys(context: TestContext) {
  const machine = await makeMachine(context);
  await machine.start();
  await machine.run(['setup', '--email', 'ada@example.org', '--password-stdin'], { input: password });
  const keys: Record<string, { file: string; key: string; fingerprint: string }> = {};
  for (const name of ['ada', 'grace', 'eve']) {
    const file = join(machine.dataDir, `${name}.key`);
    keys[name] = (await machine.run(['key', 'create', '--out', file, '--no-passphrase', '--json'])).json();
  }
  const { ada, grace, eve } = keys as Record<
    'ada' | 'grace' | 'eve',
    { file: string; key: string; fingerprint: string }
  >;
  return { machine, ada, grace, eve, lockFile: join(machine.dataDir, 'lock.json') };
}

function init(machine: Machine, words: string[], lockFile: string) {
  return machine.run(['lock', 'init', ...words, '--out', lockFile, '--password-stdin', '--json'], { input: password });
}

test('when a lock is made, the file holds what servers pin, and the recovery secret is shown once and kept nowhere', async (context) => {
  const { machine, ada, lockFile } = await machineWithKeys(context);
  const mistyped = await init(machine, ['--holder', `Ada=${ada.key}`, '--require', 'critical=2'], lockFile);
  assert.equal(mistyped.json().error.code, 'lock_change_invalid');
  assert.match(mistyped.json().error.message, /asks for 2 holders and names 1/);
  const wrong = await machine.run(
    ['lock', 'init', '--holder', `Ada=${ada.key}`, '--out', lockFile, '--password-stdin', '--json'],
    { input: 'not the password' },
  );
  assert.equal(wrong.json().error.code, 'sign_in_failed');
  assert.equal(existsSync(lockFile), false, 'a refused lock leaves no file that somebody could pin');
  const made = await init(machine, ['--holder', `Ada=${ada.file}`], lockFile);
  assert.equal(made.code, 0, made.out);
  const { recovery_secret: secret, state } = made.json();
  const file = lockStateSchema.parse(JSON.parse(readFileSync(lockFile, 'utf8')));
  assert.deepEqual(file, state);
  assert.deepEqual(file.keys, [{ key: ada.key, holder: 'Ada' }]);
  assert.equal(file.recovery, sha256(secret));
  assert.ok(!readFileSync(lockFile, 'utf8').includes(secret));
  const shown = await machine.run(['lock', 'show', '--from', lockFile]);
  assert.match(shown.out, new RegExp(`digest {6}${stateDigest(file)}`));
  assert.match(shown.out, /the chain comes by your own copy/);
  assert.ok(!shown.out.includes(secret));
  const second = await init(machine, ['--holder', `Ada=${ada.file}`], `${lockFile}2`);
  assert.equal(second.json().error.code, 'lock_exists');
});

test('T25: when a change of the lock needs two holders, it goes from hand to hand as a file, and is refused before both signed', async (context) => {
  const { machine, ada, grace, eve, lockFile } = await machineWithKeys(context);
  const holders = ['--holder', `Ada=${ada.file}`, '--holder', `Grace=${grace.key}`];
  await init(machine, [...holders, '--require', 'change=2'], lockFile);
  const file = join(machine.dataDir, 'change.json');
  const add = ['lock', 'add', '--holder', `Eve=${eve.key}`, '--key', ada.file, '--json'];
  assert.match((await machine.run(add)).json().error.message, /needs 2 holders/);
  const half = await machine.run([...add, '--out', file]);
  assert.deepEqual([half.json().holders, half.json().missing], [['Ada'], 1]);
  const early = await machine.run(['lock', 'submit', file, '--json']);
  assert.equal(early.json().error.code, 'lock_change_invalid');
  const { digest } = half.json();
  const sign = ['lock', 'sign', file, '--yes', '--digest', digest.slice(0, 8), '--from', lockFile, '--json'];
  assert.equal((await machine.run([...sign, '--key', eve.file])).json().error.code, 'signature_invalid');
  const again = await machine.run([...sign, '--key', ada.file]);
  assert.equal(again.json().missing, 1, 'two signatures of one holder count once');
  const blind = await machine.run(['lock', 'sign', file, '--yes', '--key', grace.file, '--json']);
  assert.equal(blind.code, 2);
  const whole = await machine.run([...sign, '--key', grace.file]);
  assert.deepEqual(whole.json().holders.toSorted(), ['Ada', 'Grace']);
  const submitted = await machine.run(['lock', 'submit', file, '--json']);
  assert.equal(submitted.code, 0, submitted.out);
  assert.equal(submitted.json().state.number, 1);
  const log = await machine.run(['lock', 'log', '--from', lockFile]);
  assert.match(log.out, /^1 {2}\S+ {2}add a key of Eve: /m);
  assert.match(log.out, /signed by Ada, Grace; handed in by ada$/m);
  assert.match(log.out, /1 change checked on this machine; the chain comes by your own copy/);
});

test('T1: when the control plane shows a lock that was bent, no change of it is signed', async (context) => {
  const { machine, ada, eve, lockFile } = await machineWithKeys(context);
  await init(machine, ['--holder', `Ada=${ada.file}`], lockFile);
  const added = await machine.run(['lock', 'add', '--holder', `Ada=${eve.key}`, '--key', ada.file, '--json']);
  assert.equal(added.code, 0, added.out);
  const proxy = await startBendingProxy(context, machine.url);
  const through = (...words: string[]) => machine.run(['lock', ...words, '--url', proxy.url, '--json']);
  assert.equal((await through('log', '--from', lockFile)).code, 0);
  const { state } = added.json();
  const swapped = { ...state, keys: [{ holder: 'Ada', key: eve.key }] };
  const bends = [
    {
      bend: (_: string, body: object) => ({ ...body, state: swapped, state_digest: stateDigest(swapped) }),
      says: /lead to another state/,
    },
    {
      bend: (_: string, body: object) => ({ ...body, first: { ...state, number: 0 } }),
      says: /the change of state 0 is not good/,
    },
    {
      bend: (_: string, body: { changes: { change: { signatures: object[] } }[] }) => ({
        ...body,
        changes: body.changes.map((it) => ({ ...it, change: { ...it.change, signatures: [] } })),
      }),
      says: /0 of 1 needed holders signed it/,
    },
  ];
  for (const { bend, says } of bends) {
    proxy.bend = bend;
    const refused = await through('add', '--holder', `Ada=${eve.key}`, '--key', ada.file);
    assert.equal(refused.json().error.code, 'lock_bent', refused.out);
    assert.match(refused.json().error.message, says);
  }
  // Another lock that hangs together by itself: only the person's own copy can tell.
  proxy.bend = (_path, body) => ({
    ...body,
    first: swapped,
    state: swapped,
    state_digest: stateDigest(swapped),
    changes: [],
  });
  assert.equal((await through('show')).code, 0);
  assert.match((await through('show', '--from', lockFile)).json().error.message, /does not lead on from the lock in/);
  assert.ok(!proxy.requests.some((it) => it.startsWith('POST')), 'nothing was sent');
});

test('when keys are named by fingerprint, removed, and numbers changed, what nobody could open is refused; the recovery secret ends it', async (context) => {
  const { machine, ada, grace, lockFile } = await machineWithKeys(context);
  const made = await init(machine, ['--holder', `Ada=${ada.file}`, '--holder', `Grace=${grace.file}.pub`], lockFile);
  const lock = (...words: string[]) => machine.run(['lock', ...words, '--json']);
  const weak = await lock('require', 'high=2,change=1', '--key', ada.file);
  assert.match(weak.json().error.message, /fewer may change it \(1\) than must sign a plan \(2\)/);
  const remove = ['remove', grace.fingerprint, '--key', ada.file];
  const many = await lock('require', 'high=3', '--key', ada.file);
  assert.match(many.json().error.message, /asks for 3 holders and names 2/);
  assert.equal((await lock('require', 'loud=2', '--key', ada.file)).code, 2);
  assert.equal((await lock('require', 'high=1', '--key', ada.file)).code, 0);
  assert.equal((await lock('remove', 'SHA256:nothing-of-ours', '--key', ada.file)).code, 2);
  const removed = await lock(...remove);
  assert.deepEqual(removed.json().state.keys, [{ key: ada.key, holder: 'Ada' }]);
  const file = join(machine.dataDir, 'present.json');
  assert.equal((await lock('export', '--out', file, '--from', lockFile)).code, 0);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).number, 2);
  const disable = (input: string) => machine.run(['lock', 'disable', '--secret-stdin', '--json'], { input });
  assert.match((await disable('clr_not-the-secret-of-this-lock')).json().error.message, /recovery secret is wrong/);
  const ended = await disable(made.json().recovery_secret);
  assert.equal(ended.json().state.disabled, true, ended.out);
  assert.match((await machine.run(['lock', 'show'])).out, /ENDED/);
  writeFileSync(file, '{"format":"something else"}');
  const restored = await machine.run(['lock', 'restore', file, '--password-stdin', '--json'], { input: password });
  assert.equal(restored.code, 2);
});
