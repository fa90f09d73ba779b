import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { askByToken, machineWithAgent } from './agent-machine.ts';
import { until } from './processes.ts';

test('when an assistant asks, the request is listed, shown, approved and carried out; at high risk the server has to be named', async (context) => {
  const { machine, file, server } = await machineWithAgent(context);
  const id = await askByToken(machine, server, file, '[http]\nworkers = 8\n');
  assert.equal((await machine.run(['pending', '--json'])).json().actions[0].id, id);
  const shown = await machine.run(['show', id]);
  for (const words of [
    /fingerprint {2}[0-9a-f]{8}/,
    /-workers = 2/,
    /\+workers = 8/,
    /untrusted text\)\n {2}> more traffic$/,
  ])
    assert.match(shown.out.trimEnd(), words);

  assert.equal((await machine.cli(['approve', id])).code, 2, 'without a terminal nobody can be asked');
  const blind = await machine.run(['approve', id, '--yes', '--key', 'ada.key', '--json']);
  assert.equal(blind.code, 2, 'a key signs nothing unseen: with --yes the digest has to be named');
  const digest = /fingerprint {2}([0-9a-f]{8})/.exec(shown.out)?.[1] ?? '';
  const unnamed = await machine.run(['approve', id, '--yes', '--digest', digest, '--json']);
  assert.equal(unnamed.code, 1);
  assert.match(unnamed.json().error.message, /typed by hand/);
  const stale = await machine.run(['approve', id, '--yes', '--digest', 'a'.repeat(64), '--json']);
  assert.equal(stale.json().error.code, 'digest_mismatch');
  const approve = ['approve', id, '--yes', '--digest', digest, '--server', server];
  const approved = await machine.cli(approve);
  assert.equal(approved.code, 0, approved.err);
  await until(
    async () => (await machine.run(['show', id, '--json'])).json().state === 'succeeded',
    () => readFileSync(file, 'utf8'),
  );
  assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 8\n');
  const again = await machine.run([...approve, '--json']);
  assert.equal(again.json().error.code, 'already_decided');
  assert.equal((await machine.run(['audit', 'verify'])).code, 0);
});

test('when a request is rejected with a reason, nothing is done and the reason is kept', async (context) => {
  const { machine, file, server } = await machineWithAgent(context);
  const id = await askByToken(machine, server, file, 'nonsense');
  const rejected = await machine.run(['reject', id, '--reason', 'not at night', '--json']);
  assert.equal(rejected.code, 0, rejected.out);
  assert.equal(rejected.json().state, 'rejected');
  assert.match((await machine.run(['show', id])).out, /not at night/);
  assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 2\n');
  assert.match((await machine.run(['pending'])).out, /Nothing waits/);
  const unknown = await machine.run(['show', 'act_000000000000', '--json']);
  assert.equal(unknown.json().error.code, 'action_not_found');
});

test('when somebody approves at a terminal at high risk, they have to type the name of the server', async (context) => {
  const { machine, file, server } = await machineWithAgent(context);
  const id = await askByToken(machine, server, file, '[http]\nworkers = 8\n');
  const wrong = await machine.type(['approve', id], ['y\n']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /Type the server's name to approve [0-9a-f]{8}: /);
  assert.equal((await machine.run(['show', id, '--json'])).json().state, 'awaiting_approval');
  const unknown = await machine.run(['key', 'create', '--out', 'ada.key', '--no-passphrase', '--json']);
  const signed = await machine.type(['approve', id, '--key', unknown.json().file], ['y\n']);
  assert.match(signed.err, /signature does not count/, 'a server without a lock knows no key');
  const approved = await machine.type(['approve', id], [`${server}\n`]);
  assert.equal(approved.code, 0, approved.err);
  const nothing = await machine.run(['confirm', id, '--json']);
  assert.equal(nothing.json().error.code, 'nothing_to_confirm');
});

test('when a playbook only reads, asking for it prints what was found', async (context) => {
  const { machine, server } = await machineWithAgent(context);
  const asked = await machine.run(['ask', server, 'triage']);
  assert.equal(asked.code, 0, asked.err);
  assert.match(asked.out, /^(critical|warning|info|ok) /m);
  const unknown = await machine.run(['ask', server, 'make.coffee', '--json']);
  assert.equal(unknown.json().error.code, 'playbook_not_found');
});
