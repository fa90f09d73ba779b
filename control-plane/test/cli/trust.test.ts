import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import { askByToken, machineWithAgent } from './agent-machine.ts';
import { type Machine, makeMachine, password, until } from './processes.ts';

async function readyMachine(context: TestContext, extra: Record<string, string> = {}): Promise<Machine> {
  const machine = await makeMachine(context, extra);
  await machine.start();
  const setup = ['setup', '--email', 'ada@example.org', '--name', 'Ada', '--password-stdin'];
  assert.equal((await machine.run(setup, { input: password })).code, 0);
  return machine;
}

/** Another owner, who signs in on the same machine with a session of their own. */
async function secondOwner(machine: Machine): Promise<Record<string, string>> {
  const { session } = JSON.parse(readFileSync(join(machine.dataDir, 'cli-session.json'), 'utf8'));
  const call = operatorClient({ base: machine.url, fetch, bearer: session });
  const { link } = await call('invitePerson', { email: 'grace@example.org', name: 'Grace', role: 'owner' });
  await call('acceptInvitation', { secret: link.split('#')[1] ?? '', password });
  const env = { COUNTERSIGN_CONFIG: join(machine.dataDir, 'grace.json') };
  const login = ['login', '--email', 'grace@example.org', '--password-stdin'];
  assert.equal((await machine.run(login, { input: password, env })).code, 0);
  return env;
}

test('when somebody panics, what was approved waits until an owner proves who they are and resumes', async (context) => {
  const { machine, server, file } = await machineWithAgent(context);
  const paused = await machine.run(['panic', '--reason', 'looks like an intruder', '--json']);
  assert.equal(paused.code, 0, paused.out);
  assert.equal(paused.json().pause.reason, 'looks like an intruder');
  const id = await askByToken(machine, server, file, '[http]\nworkers = 9\n');
  const { digest } = (await machine.run(['show', id, '--json'])).json();
  const approve = ['approve', id, '--yes', '--digest', digest, '--server', server, '--json'];
  assert.equal((await machine.run(approve)).json().state, 'approved');
  const held = await machine.run(['show', id]);
  assert.match(held.out, /^ {2}state {8}approved {2}.*All changes are paused by ada/m);
  assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 2\n');
  const unproven = await machine.run(['resume', '--password-stdin', '--json'], { input: 'a wrong password' });
  assert.equal(unproven.json().error.code, 'sign_in_failed');
  assert.match((await machine.run(['panic'])).out, /An owner lets changes happen again: countersign resume/);
  const resumed = await machine.run(['resume', '--password-stdin', '--json'], { input: password });
  assert.equal(resumed.code, 0, resumed.out);
  await until(
    () => readFileSync(file, 'utf8') === '[http]\nworkers = 9\n',
    () => 'what was approved does not run',
  );
});

test('when a role is changed, the person is found by address, and it takes a proof', async (context) => {
  const machine = await readyMachine(context);
  await secondOwner(machine);
  const listed = await machine.run(['people', '--json']);
  assert.deepEqual(
    listed
      .json()
      .people.map(({ email, role }: { email: string; role: string }) => [email, role])
      .toSorted(),
    [
      ['ada@example.org', 'owner'],
      ['grace@example.org', 'owner'],
    ],
  );
  const role = ['role', 'grace@example.org', 'viewer', '--password-stdin', '--json'];
  assert.equal((await machine.run(role, { input: 'a wrong password' })).json().error.code, 'sign_in_failed');
  const changed = await machine.run(role, { input: password });
  assert.equal(changed.json().amendment.state, 'made', changed.out);
  assert.match((await machine.run(['people'])).out, /viewer .*grace@example\.org/);
  assert.equal((await machine.run(['role', 'nobody', 'viewer', '--password-stdin'], { input: password })).code, 2);
  assert.equal((await machine.run(['role', 'grace@example.org', 'king', '--password-stdin'])).code, 2);
});

test('T25: when the rules ask for another owner, new rules wait until that owner agrees', async (context) => {
  const machine = await readyMachine(context);
  const grace = await secondOwner(machine);
  const file = join(machine.dataDir, 'rules.yaml');
  const strict =
    'format: countersign-policy/1\nrules: []\nadministration: [{ name: two, when: { change: [policy] }, ask: { others: 1 } }]\n';
  writeFileSync(file, strict);
  const set = ['policy', 'set', file, '--password-stdin', '--json'];
  const first = await machine.run(set, { input: password });
  assert.equal(first.json().amendment?.state, 'made', first.out);
  assert.equal((await machine.run(['policy', 'show', '--json'])).json().yaml, strict);
  writeFileSync(file, `${strict}# and more\n`);
  const second = await machine.run(set, { input: password });
  const { id, state } = second.json().amendment;
  assert.equal(state, 'proposed', second.out);
  assert.match((await machine.run(['amendments'])).out, new RegExp(`${id} {2}proposed`));
  const own = await machine.run(['amendments', 'agree', id, '--password-stdin', '--json'], { input: password });
  assert.notEqual(own.code, 0, 'nobody agrees to their own');
  const agreed = await machine.run(['amendments', 'agree', id, '--password-stdin', '--json'], {
    input: password,
    env: grace,
  });
  assert.equal(agreed.json().amendment.state, 'made', agreed.out);
  assert.match((await machine.run(['policy', 'show'])).out, /# and more/);
  const third = await machine.run(set, { input: password });
  const withdrawn = await machine.run(['amendments', 'withdraw', third.json().amendment?.id ?? id, '--json']);
  assert.ok(withdrawn.code === 0 || withdrawn.json().error.code === 'amendment_closed', withdrawn.out);
  const stale = await machine.run([...set, '--before', 'a'.repeat(64)], { input: password });
  assert.equal(stale.code, 1, stale.out);
});

test('when rules are tried on a request, the answer names the rule', async (context) => {
  const { machine, server } = await machineWithAgent(context);
  const said = await machine.run([
    'policy',
    'test',
    server,
    '--risk',
    'high',
    '--playbook',
    'service.restart',
    '--json',
  ]);
  assert.equal(said.json().verdict, 'ask', said.out);
  const file = join(machine.dataDir, 'rules.yaml');
  writeFileSync(file, 'format: countersign-policy/1\nrules: [{ name: none, deny: { reason: Not today. } }]\n');
  const other = await machine.run(['policy', 'test', server, '--risk', 'high', '--file', file]);
  assert.match(other.out, /^deny: .*Not today.* \(rule none\)/);
  assert.equal((await machine.run(['policy', 'test', server, '--risk', 'huge'])).code, 2);
});

test('T22: when the log is compared with servers, one that agrees is named; what was forged, rewritten or rolled back ends with exit code 5', async (context) => {
  const { machine, agent } = await machineWithAgent(context);
  const against = await machine.run(['audit', 'verify', '--against-servers', '--json']);
  assert.equal(against.code, 0, against.out);
  assert.equal(against.json().servers.length, 1);
  // What the server keeps comes first: it may be given a checkpoint at any moment, and one after the export looks like a roll-back.
  const told = JSON.parse(await agent('witness'));
  const log = join(machine.dataDir, 'log.ndjson');
  await machine.run(['audit', 'export', '--out', 'log.ndjson']);
  const file = join(machine.dataDir, 'witness.json');
  const verify = async (statement: unknown) => {
    writeFileSync(file, JSON.stringify(statement));
    const { code, out, json } = await machine.run(['audit', 'verify', log, '--witness', file, '--json']);
    return { code, out, server: json().servers?.[0] };
  };
  const honest = await verify(told);
  assert.deepEqual([honest.code, honest.server.state, honest.server.key], [0, 'agrees', told.witness.key], honest.out);
  const forged = await verify({ ...told, witness: { ...told.witness, at: told.witness.at + 1 } });
  assert.deepEqual([forged.code, forged.server.state], [5, 'contradicts']);

  // The control plane gives checkpoints by the minute; these are as a server signs them, with a key of ours.
  const { entries, head } = JSON.parse(readFileSync(log, 'utf8').split('\n')[0] ?? '');
  const key = makeSigningKey();
  const keeping = (checkpoint: { size: number; head: string }) => {
    const witness = { ...told.witness, key: key.publicKey, checkpoints: [{ ...checkpoint, at: told.witness.at }] };
    return { witness, signature: signValue('witness', witness, key.seed) };
  };
  assert.equal((await verify(keeping({ size: entries, head }))).code, 0);
  const rewritten = await verify(keeping({ size: entries, head: 'a'.repeat(64) }));
  assert.equal(rewritten.code, 5);
  assert.match(rewritten.server.problems[0], /rewritten or forked/);
  const rolledBack = await verify(keeping({ size: entries + 1, head }));
  assert.equal(rolledBack.code, 5);
  assert.match(rolledBack.server.problems[0], /rolled back/);

  writeFileSync(file, '{}');
  assert.equal((await machine.run(['audit', 'verify', log, '--witness', file])).code, 2);
  assert.equal((await machine.run(['audit', 'verify', '--witness', file])).code, 2);
});

test('when a server is added to a control plane that only its own machine reaches, that is said', async (context) => {
  const near = await readyMachine(context);
  assert.match((await near.run(['server', 'add', '--name', 'web-1'])).err, /works only here/);
  const far = await readyMachine(context, { COUNTERSIGN_URL: 'http://ops.example.org:7070' });
  assert.doesNotMatch((await far.run(['server', 'add', '--name', 'web-1'])).err, /works only here/);
});

test('when nobody is signed in, the hint names login in the words that work here', async (context) => {
  const machine = await makeMachine(context);
  await machine.start();
  const refused = await machine.cli(['panic', '--json']);
  assert.equal(refused.code, 4);
  assert.match(refused.json().error.next_step, /: npm (--prefix \S+ )?run -s cli -- login --email/);
});
