import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sha256 } from '@countersign/protocol/digest';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { type Machine, makeMachine, password, until } from './processes.ts';

/** A machine with its own agent, which may write below one folder. */
async function machineWithAgent(context: TestContext) {
  const machine = await makeMachine(context, { COUNTERSIGN_LOCAL_AGENT: 'act' });
  const folder = join(machine.dataDir, 'etc');
  const state = join(machine.dataDir, 'local-agent');
  for (const path of [folder, state]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(state, 'policy.yaml'), `mode: observe\nread_roots: ["${folder}"]\nwrite_roots: ["${folder}"]\n`, {
    mode: 0o600,
  });
  const file = join(folder, 'app.ini');
  writeFileSync(file, '[http]\nworkers = 2\n');
  const controlPlane = await machine.start('start.ts');
  await machine.cli(['setup', '--email', 'ada@example.org', '--password-stdin'], { input: password });
  const online = async () => (await machine.cli(['servers', '--json'])).json().servers?.[0]?.state === 'online';
  await until(online, controlPlane.printed);
  const { servers } = (await machine.cli(['servers', '--json'])).json();
  return { machine, file, server: servers[0].name as string };
}

/** An assistant asks, with a token of its own, for new content of the file. */
async function askByToken(machine: Machine, server: string, file: string, content: string): Promise<string> {
  const { secret } = (await machine.cli(['token', 'create', '--name', 'Claude Code', '--json'])).json();
  const call = operatorClient({ base: machine.url, fetch, bearer: secret });
  const expected_sha256 = sha256(readFileSync(file));
  const { action } = await call('writeFile', { server, path: file, content, expected_sha256, reason: 'more traffic' });
  assert.equal(action?.state, 'awaiting_approval');
  return action?.id ?? '';
}

test('when an assistant asks, the request is listed, shown, approved and carried out; at high risk the server has to be named', async (context) => {
  const { machine, file, server } = await machineWithAgent(context);
  const id = await askByToken(machine, server, file, '[http]\nworkers = 8\n');
  assert.equal((await machine.cli(['pending', '--json'])).json().actions[0].id, id);
  const shown = await machine.cli(['show', id]);
  for (const words of [
    /fingerprint {2}[0-9a-f]{8}/,
    /-workers = 2/,
    /\+workers = 8/,
    /untrusted text\)\n {2}> more traffic$/,
  ])
    assert.match(shown.out.trimEnd(), words);

  assert.equal((await machine.cli(['approve', id])).code, 2, 'without a terminal nobody can be asked');
  const blind = await machine.cli(['approve', id, '--yes', '--json']);
  assert.equal(blind.code, 2, 'with --yes the digest has to be named');
  const digest = /fingerprint {2}([0-9a-f]{8})/.exec(shown.out)?.[1] ?? '';
  const unnamed = await machine.cli(['approve', id, '--yes', '--digest', digest, '--json']);
  assert.equal(unnamed.code, 1);
  assert.match(unnamed.json().error.message, /typed by hand/);
  const stale = await machine.cli(['approve', id, '--yes', '--digest', 'a'.repeat(64), '--json']);
  assert.equal(stale.json().error.code, 'digest_mismatch');
  const approve = ['approve', id, '--yes', '--digest', digest, '--server', server];
  const approved = await machine.cli(approve);
  assert.equal(approved.code, 0, approved.err);
  await until(
    async () => (await machine.cli(['show', id, '--json'])).json().state === 'succeeded',
    () => readFileSync(file, 'utf8'),
  );
  assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 8\n');
  const again = await machine.cli([...approve, '--json']);
  assert.equal(again.json().error.code, 'already_decided');
  assert.equal((await machine.cli(['audit', 'verify'])).code, 0);
});

test('when a request is rejected with a reason, nothing is done and the reason is kept', async (context) => {
  const { machine, file, server } = await machineWithAgent(context);
  const id = await askByToken(machine, server, file, 'nonsense');
  const rejected = await machine.cli(['reject', id, '--reason', 'not at night', '--json']);
  assert.equal(rejected.code, 0, rejected.out);
  assert.equal(rejected.json().state, 'rejected');
  assert.match((await machine.cli(['show', id])).out, /not at night/);
  assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 2\n');
  assert.match((await machine.cli(['pending'])).out, /Nothing waits/);
  const unknown = await machine.cli(['show', 'act_000000000000', '--json']);
  assert.equal(unknown.json().error.code, 'action_not_found');
});

test('when a playbook only reads, asking for it prints what was found', async (context) => {
  const { machine, server } = await machineWithAgent(context);
  const asked = await machine.cli(['ask', server, 'triage']);
  assert.equal(asked.code, 0, asked.err);
  assert.match(asked.out, /^(critical|warning|info|ok) /m);
  const unknown = await machine.cli(['ask', server, 'make.coffee', '--json']);
  assert.equal(unknown.json().error.code, 'playbook_not_found');
});
