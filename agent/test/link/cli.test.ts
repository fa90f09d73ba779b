/** The program as people and service managers run it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compiled } from '../../../test/world/places.ts';
import { until } from '../run/bed.ts';
import { ControlPlane } from './control-plane.ts';
import { MAIN, newFolder } from './enrolled.ts';

const ENV = { PATH: process.env.PATH ?? '', ...compiled };

async function run(words: readonly string[], input = '', env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: 'pipe', env: { ...ENV, ...env } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.on('error', () => undefined);
  // Later than the program starts to read: it has to wait for its input.
  setTimeout(() => child.stdin.end(input), 100);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

function stateOf(t: TestContext): string {
  const folder = newFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

async function startLink(t: TestContext, state: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, 'link', '--state', state], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: ENV,
  });
  child.stderr?.resume();
  t.after(() => child.kill('SIGKILL'));
  return child;
}

test('when a person enrols, links, asks for the status and uninstalls, each verb does its part and says so', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const state = stateOf(t);
  const where = ['--state', state];
  const to = ['--url', controlPlane.url, '--cp-key', controlPlane.key.publicKey];
  const wrong = await run(['enroll', ...where, ...to, '--token', 'cse_wrongwrong']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /token is wrong, used or older.*\n.*new install command/);
  const enrolled = await run(
    ['enroll', ...where, ...to, '--token-file', '-', '--mode', 'act'],
    `${controlPlane.behaviour.token}\n`,
  );
  assert.deepEqual([enrolled.code, enrolled.out], [0, 'Enrolled as web-1 (srv_000000000001).\n'], enrolled.err);
  assert.match((await run(['status', ...where])).out, /link: {4}does not run/);
  const link = await startLink(t, state);
  const status = await run(['status', ...where, '--wait', '20']);
  assert.equal(status.code, 0, status.out);
  assert.match(status.out, /web-1 \(srv_000000000001\)[\s\S]*connected since/);
  const doctor = await run(['doctor', ...where]);
  assert.deepEqual([doctor.code, doctor.out.match(/^ok/gm)?.length], [0, 7], doctor.out);
  assert.match((await run(['uninstall', ...where])).err, /still runs/);
  link.kill('SIGTERM');
  const [code] = await once(link, 'exit');
  assert.equal(code, 0);
  const linked = controlPlane.peers.find((peer) => peer.all('hello').some(({ serverId }) => serverId));
  assert.equal((await until(() => linked?.closed, 'its last words')).code, 1001, 'it says goodbye');
  assert.equal((await run(['status', ...where])).code, 1);
  assert.equal((await run(['uninstall', ...where])).code, 0);
  assert.deepEqual([existsSync(join(state, 'link')), existsSync(join(state, 'policy.yaml'))], [false, true]);
});

test('when the link is killed, the one that comes next carries on, and the status does not believe the dead one', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const state = stateOf(t);
  const to = ['--url', controlPlane.url, '--cp-key', controlPlane.key.publicKey];
  await run(['enroll', '--state', state, ...to], '', { COUNTERSIGN_TOKEN: controlPlane.behaviour.token });
  const first = await startLink(t, state);
  await until(() => readText(join(state, 'link/status.json')).includes('"connected"'), 'a connection');
  first.kill('SIGKILL');
  await once(first, 'exit');
  assert.match((await run(['status', '--state', state])).out, /does not run/);
  await startLink(t, state);
  assert.equal((await run(['status', '--state', state, '--wait', '20'])).code, 0);
});

test('when the control plane is another one, doctor says so and what to do', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const state = stateOf(t);
  const to = ['--url', controlPlane.url, '--cp-key', controlPlane.key.publicKey];
  await run(['enroll', '--state', state, ...to, '--token', controlPlane.behaviour.token]);
  await using other = await ControlPlane.start();
  const file = join(state, 'agent.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(controlPlane.url, other.url));
  writeFileSync(join(state, 'policy.yaml'), 'mode: sometimes\n');
  const doctor = await run(['doctor', '--state', state]);
  assert.equal(doctor.code, 1);
  assert.match(doctor.out, /WRONG {3}policy: .*mode/);
  assert.match(doctor.out, /WRONG {3}control plane: .*could not prove that it holds the key pinned at install/);
});

test('when words are wrong, the program says which, changes nothing and ends with 2', async (t) => {
  const state = stateOf(t);
  const wrong = [['dance'], ['link', '--speed', 'fast'], ['enroll', '--mode', 'maybe'], ['probe', 'udp', '1']];
  const said = await Promise.all([...wrong, ['link', '--state', state], []].map((words) => run(words)));
  assert.deepEqual(
    said.map(({ code }) => code),
    [2, 2, 2, 2, 1, 0],
  );
  for (const { err } of said.slice(0, 5)) assert.match(err, /countersign-agent: /);
});

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
