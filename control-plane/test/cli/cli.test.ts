import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Machine, makeMachine, password } from './processes.ts';

const setup = ['setup', '--email', 'ada@example.org', '--name', 'Ada', '--password-stdin'];

async function readyMachine(context: TestContext, extra: Record<string, string> = {}): Promise<Machine> {
  const machine = await makeMachine(context, extra);
  await machine.start();
  const { code, err } = await machine.run(setup, { input: password });
  assert.equal(code, 0, err);
  return machine;
}

test('when the first owner is set up from the command line, the session is kept in a file that only they can read', async (context) => {
  const machine = await makeMachine(context);
  const controlPlane = await machine.start();
  assert.match(controlPlane.printed(), /http:\/\/localhost:\d+\/setup#csu_/);
  assert.equal(statSync(join(machine.dataDir, 'setup-link')).mode & 0o777, 0o600);
  const made = await machine.cli([...setup, '--json'], { input: password });
  assert.equal(made.code, 0, made.err);
  assert.equal(made.json().person.role, 'owner');
  const file = join(machine.dataDir, 'cli-session.json');
  assert.equal(made.json().session_file, file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!made.out.includes('css_'));
  assert.equal((await machine.cli(['whoami', '--json'])).json().person.email, 'ada@example.org');
  const again = await machine.cli([...setup, '--json'], { input: password });
  assert.equal(again.code, 1);
  assert.equal(again.json().error.code, 'setup_done');
});

test('when the control plane does not run, setup works on the store, and what needs it says so with exit code 3', async (context) => {
  const machine = await makeMachine(context);
  const made = await machine.cli(setup, { input: password });
  assert.equal(made.code, 0, made.err);
  const servers = await machine.cli(['servers', '--json']);
  assert.equal(servers.code, 3);
  assert.equal(servers.json().error.code, 'unreachable');
  assert.equal((await machine.cli(['audit', 'verify'])).code, 0);
  const controlPlane = await machine.start();
  assert.ok(!controlPlane.printed().includes('/setup#'));
  assert.equal((await machine.cli(['servers'])).code, 0);
});

test('when the password is too short or the address is none, setup names the field and makes nobody', async (context) => {
  const machine = await makeMachine(context);
  const short = await machine.cli([...setup, '--json'], { input: 'short' });
  assert.equal(short.code, 1);
  assert.match(short.json().error.message, /password: at least 12 characters/);
  const noAddress = await machine.cli(['setup', '--email', 'ada', '--password-stdin', '--json'], { input: password });
  assert.match(noAddress.json().error.message, /email/);
});

test('when nobody can sign in any more, a new setup link lets the owner back in', async (context) => {
  const machine = await readyMachine(context);
  const { setup_link: link } = (await machine.cli(['setup', '--reset-link', '--json'])).json();
  assert.match(link, new RegExp(`^${machine.url}/setup#csu_`));
  const reset = await machine.run([...setup, '--reset-link'], { input: 'a quite new password' });
  assert.equal(reset.code, 0, reset.err);
  const login = ['login', '--email', 'ada@example.org', '--password-stdin', '--json'];
  assert.equal((await machine.run(login, { input: password })).json().error.code, 'sign_in_failed');
  assert.equal((await machine.run(login, { input: 'a quite new password\n' })).code, 0);
});

test('when a command is typed wrongly, exit code 2 and words say what to type', async (context) => {
  const machine = await makeMachine(context);
  for (const argv of [['nonsense'], ['token', 'create'], ['server', 'add'], ['login', '--nothing']]) {
    const { code, err } = await machine.cli(argv);
    assert.equal(code, 2, argv.join(' '));
    assert.match(err, /error: /, argv.join(' '));
  }
  const help = await machine.cli(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /Exit codes: 0 done/);
  const asked = await machine.cli(['login', '--email', 'a@example.org', '--json']);
  assert.equal(asked.code, 2);
  assert.match(asked.json().error.next_step, /--password-stdin/);
});

test('when nobody is signed in, exit code is 4', async (context) => {
  const machine = await makeMachine(context);
  await machine.start();
  const { code, err } = await machine.cli(['pending']);
  assert.equal(code, 4);
  assert.match(err, /No valid credential/);
});

test('when a token is made, it is shown once with the lines that connect an assistant; ended, it is refused', async (context) => {
  const machine = await readyMachine(context);
  const made = await machine.cli(['token', 'create', '--name', 'Claude Code', '--scope', 'request', '--json']);
  const { secret, token, mcp_url } = made.json();
  assert.match(secret, /^csr_/);
  assert.equal(mcp_url, `${machine.url}/mcp`);
  const words = await machine.cli(['token', 'create', '--name', 'Codex']);
  assert.match(words.out, /claude mcp add --transport http countersign .*csr_/);
  assert.match(words.out, /codex mcp add countersign/);
  assert.match(words.out, /"mcpServers"/);
  assert.ok(!words.out.includes('\u001b'), 'no colours without a terminal');
  const list = (await machine.run(['token', 'list', '--json'])).json().tokens;
  assert.deepEqual(list.map(({ name }: { name: string }) => name).sort(), ['Claude Code', 'Codex']);
  assert.equal((await machine.run(['token', 'revoke', token.id])).code, 0);
  assert.equal((await machine.run(['token', 'revoke', token.id])).code, 1);
  assert.equal((await machine.run(['token', 'create', '--name', 'x', '--scope', 'decide'])).code, 2);
});

test('when the audit log is exported, it verifies offline, and one changed byte is found with exit code 5', async (context) => {
  const machine = await readyMachine(context);
  const file = join(machine.dataDir, 'audit.ndjson');
  assert.equal((await machine.cli(['audit', 'export', '--out', file])).code, 0);
  const good = await machine.cli(['audit', 'verify', file, '--json']);
  assert.equal(good.code, 0, good.out);
  assert.ok(good.json().entries >= 3);
  const piped = await machine.cli(['audit', 'export']);
  assert.equal((await machine.cli(['audit', 'verify', '-'], { input: piped.out })).code, 0);
  assert.equal((await machine.run(['audit', 'verify', '--json'])).json().ok, true);
  // With its quotes: those three letters may stand in a key or a signature, too.
  writeFileSync(file, readFileSync(file, 'utf8').replace('"Ada"', '"Eve"'));
  const bad = await machine.cli(['audit', 'verify', file]);
  assert.equal(bad.code, 5);
  assert.match(bad.out, /✗ The log does not verify\.\n {2}entry \d+: /);
  const key = `ed25519:${'A'.repeat(43)}`;
  assert.equal((await machine.run(['audit', 'verify', file, '--key', key])).code, 5);
  assert.equal((await machine.run(['audit', 'verify', '/nowhere'])).code, 2);
});

test('when a backup is made while everything runs, it is a whole database, without the keys', async (context) => {
  const machine = await readyMachine(context);
  const file = join(machine.dataDir, 'copy.db');
  const made = await machine.cli(['backup', file, '--json']);
  assert.equal(made.code, 0, made.err);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(file).size, made.json().bytes);
  assert.match(readFileSync(file).subarray(0, 15).toString(), /^SQLite format 3$/);
  assert.equal((await machine.run(['backup', file])).code, 2);
});

test('when doctor looks, it prints a fix for everything that is wrong', async (context) => {
  const machine = await makeMachine(context);
  const before = await machine.cli(['doctor', '--json']);
  assert.equal(before.code, 1);
  const wrong = before.json().findings.filter(({ ok }: { ok: boolean }) => !ok);
  assert.ok(wrong.every(({ fix }: { fix: string | null }) => fix !== null));
  assert.ok(wrong.some(({ name }: { name: string }) => name === 'control plane'));
  const misconfigured = await machine.cli(['doctor', '--json'], {
    env: { COUNTERSIGN_PORT: 'x', COUNTERSIGN_URL: 'y' },
  });
  assert.deepEqual(
    misconfigured.json().findings.map(({ name }: { name: string }) => name),
    ['COUNTERSIGN_PORT', 'COUNTERSIGN_URL'],
  );
});

test('F12: when two control planes would share a data folder, the second one refuses, also while the first one hangs', async (context) => {
  const machine = await makeMachine(context);
  const first = await machine.start();
  const other = { COUNTERSIGN_PORT: '0' };
  await assert.rejects(machine.start('main.ts', other), /ended with 2[\s\S]*runs on .* already/);
  process.kill(first.pid, 'SIGSTOP');
  await assert.rejects(machine.start('main.ts', other), /ended with 2[\s\S]*runs on .* already/);
  process.kill(first.pid, 'SIGCONT');
  assert.equal(await first.stop(), 0);
  assert.equal(await (await machine.start()).stop(), 0);
});

test('when the port is taken, the control plane says so in words and ends with 2', async (context) => {
  const machine = await makeMachine(context);
  await machine.start();
  const other = join(machine.dataDir, 'other');
  await assert.rejects(
    machine.start('main.ts', { COUNTERSIGN_DATA: other }),
    /ended with 2:[\s\S]*is taken by another program/,
  );
});

test('when the control plane is told to stop, it ends in order with exit code 0 and can be started again', async (context) => {
  const machine = await makeMachine(context);
  const first = await machine.start();
  assert.equal(await first.stop(), 0);
  assert.equal(existsSync(join(machine.dataDir, 'control-plane.json')), false);
  const second = await machine.start();
  assert.equal(await second.stop(), 0);
  assert.equal((await machine.cli(['audit', 'verify'])).code, 0);
});

test('when the control plane is off loopback, the command line trusts its key and no other', async (context) => {
  const machine = await readyMachine(context, { COUNTERSIGN_HOST: '0.0.0.0' });
  assert.equal((await machine.cli(['whoami'])).code, 0);
  const login = ['login', '--email', 'ada@example.org', '--password-stdin', '--url', machine.url, '--json'];
  const unpinned = await machine.run(login, { input: password });
  assert.equal(unpinned.code, 3);
  const wrongPin = await machine.cli([...login, '--pin', `sha256//${'A'.repeat(43)}=`], { input: password });
  assert.equal(wrongPin.code, 3);
  const { pin } = JSON.parse(readFileSync(join(machine.dataDir, 'control-plane.json'), 'utf8'));
  const other = join(machine.dataDir, 'other-session.json');
  const pinned = await machine.run([...login, '--pin', pin], { input: password, env: { COUNTERSIGN_CONFIG: other } });
  assert.equal(pinned.code, 0, pinned.out);
  assert.equal((await machine.run(['whoami'], { env: { COUNTERSIGN_CONFIG: other } })).code, 0);
});
