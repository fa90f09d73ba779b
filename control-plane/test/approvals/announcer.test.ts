import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAnnouncer } from '../../src/approvals/announcer.ts';
import { webChannel } from '../../src/approvals/web-channel.ts';
import { write } from '../../src/storage/write.ts';
import { ana, ben, heart } from '../actions/heart.ts';

test('when an action waits, its card is announced on the channels that policy accepts; every channel is brought up to date', async (t) => {
  const h = await heart(t, { policy: '  - {name: web-only, ask: {channels: [web]}}' });
  const announcer = makeAnnouncer(h.deps);
  h.deps.followers.add(announcer);
  const { actionId } = await h.ask();
  await announcer[Symbol.asyncDispose]();
  assert.deepEqual(h.web.told, [`announce ${actionId}`, `update ${actionId}`]);
  assert.deepEqual(h.telegram.told, [`update ${actionId}`]);
  await h.answer(actionId, { channel: 'web', strength: 'session' });
  await announcer[Symbol.asyncDispose]();
  assert.deepEqual(h.web.told.slice(2), [`update ${actionId}`]);
});

test('when changes come while a card is being edited, one more edit follows, with the newest state', async (t) => {
  const h = await heart(t);
  const announcer = makeAnnouncer(h.deps);
  const { actionId } = await h.ask();
  const gate = Promise.withResolvers<void>();
  let edits = 0;
  h.telegram.update = async () => {
    edits += 1;
    await gate.promise;
  };
  announcer.actionChanged(actionId);
  while (edits === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let n = 0; n < 10; n += 1) announcer.actionChanged(actionId);
  gate.resolve();
  await announcer[Symbol.asyncDispose]();
  assert.equal(edits, 2);
});

test('when one channel fails, the others are told all the same and the failure is logged', async (t) => {
  const h = await heart(t);
  const announcer = makeAnnouncer(h.deps);
  h.telegram.announce = () => Promise.reject(new Error('blocked'));
  const { actionId } = await h.ask();
  announcer.actionChanged(actionId);
  await announcer[Symbol.asyncDispose]();
  assert.ok(h.web.told.includes(`announce ${actionId}`));
  assert.equal(h.problems.length, 1);
});

test('when the control plane starts again, cards of open and of lately ended actions are brought up to date', async (t) => {
  const h = await heart(t);
  const [open, ended, old] = [await h.ask(), await h.ask({ unit: 'ssh' }), await h.ask({ unit: 'cron' })];
  await h.answer(ended.actionId, { verdict: 'reject' });
  await h.answer(old.actionId, { verdict: 'reject' });
  await write(h.db, (trx) =>
    trx.updateTable('action').set({ finished_at: 1 }).where('id', '=', old.actionId).execute(),
  );
  await makeAnnouncer(h.deps).sweep(86_400_000);
  const updated = h.telegram.told.filter((line) => line.startsWith('update')).map((line) => line.slice(7));
  assert.deepEqual(updated.sort(), [open.actionId, ended.actionId].sort());
});

test('when a person with a suitable role can sign in, the dashboard reaches somebody; else it does not', async (t) => {
  const h = await heart(t);
  const channel = webChannel(h.deps);
  const { actionId } = await h.ask();
  assert.equal(await channel.canReach(actionId), true);
  assert.equal(await channel.canReach('act_000000000000'), false);
  const set = (row: Record<string, string | number | null>, ...ids: string[]) =>
    write(h.db, (trx) => trx.updateTable('person').set(row).where('id', 'in', ids).execute());
  await set({ role: 'viewer' }, ana.id);
  await set({ removed_at: 1 }, ben.id);
  assert.equal(await channel.canReach(actionId), false);
  await set({ removed_at: null, password_hash: null }, ben.id);
  assert.equal(await channel.canReach(actionId), false, 'an open invitation is nobody yet');
  await set({ password_hash: 'scrypt$x' }, ben.id);
  assert.equal(await channel.canReach(actionId), true);
});

test('when policy asks for a code, the dashboard reaches only who has an authenticator app; for a passkey, nobody', async (t) => {
  const h = await heart(t, {
    policy:
      '  - {name: code, when: {playbooks: [test.low]}, ask: {strength: code}}\n  - {name: key, ask: {strength: passkey}}',
  });
  const channel = webChannel(h.deps);
  const code = await h.ask({ risk: 'low' });
  assert.equal(await channel.canReach(code.actionId), false);
  await write(h.db, (trx) => trx.updateTable('person').set({ totp_confirmed: 1 }).where('id', '=', ben.id).execute());
  assert.equal(await channel.canReach(code.actionId), true);
  const key = await h.ask({ unit: 'ssh' });
  assert.equal(await channel.canReach(key.actionId), false);
});
