import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { makeMachine, password, until } from './processes.ts';

test('when npm start runs on a fresh clone, this machine is under care for reading only, also after a restart on another port or with TLS', async (context) => {
  const machine = await makeMachine(context, { COUNTERSIGN_LOCAL_AGENT: 'observe' });
  const online = async () => {
    const { servers } = (await machine.run(['servers', '--json'])).json();
    return servers?.length === 1 && servers[0].state === 'online' && servers[0].mode === 'observe';
  };
  const first = await machine.start('start.ts');
  assert.match(first.printed(), /this machine is under care, for reading only/);
  await machine.cli(['setup', '--email', 'ada@example.org', '--password-stdin'], { input: password });
  await until(online, first.printed);
  assert.match(readFileSync(join(machine.dataDir, 'local-agent/policy.yaml'), 'utf8'), /^mode: observe$/m);
  assert.equal(await first.stop(), 0);
  const second = await machine.start('start.ts', { COUNTERSIGN_PORT: '0' });
  await until(online, second.printed);
  assert.equal(await second.stop(), 0);
  const wide = { COUNTERSIGN_HOST: '0.0.0.0', COUNTERSIGN_URL: 'https://cp.example.org:7070' };
  const third = await machine.start('start.ts', { COUNTERSIGN_PORT: '0', ...wide });
  await until(online, third.printed);
  assert.match(readFileSync(join(machine.dataDir, 'local-agent/agent.yaml'), 'utf8'), /^tls_pin: /m);
  assert.equal(await third.stop(), 0);
});

test('when the control plane is given an argument, it says so in one line, ends with exit code 2 and starts nothing', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-start-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const env = { PATH: process.env.PATH, COUNTERSIGN_DATA: join(folder, 'data'), COUNTERSIGN_LOCAL_AGENT: 'off' };
  for (const script of ['main.ts', 'start.ts']) {
    const file = resolve(import.meta.dirname, '../../src', script);
    const ran = spawnSync(process.execPath, [file, '--version'], { env, encoding: 'utf8', timeout: 60_000 });
    assert.equal(ran.status, 2, script);
    assert.match(ran.stderr, /^error: unknown argument '--version': .*\n$/);
    assert.equal(ran.stdout, '');
    assert.equal(existsSync(join(folder, 'data')), false);
  }
});
