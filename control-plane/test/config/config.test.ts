import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, loadConfig, printableConfig } from '../../src/config/config.ts';
import { type Env, readEnv, variables } from '../../src/config/env.ts';
import { makeCertificate, makeTlsKey } from '../../src/config/own-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-config-'));
after(() => rmSync(folder, { recursive: true }));

function problemsOf(env: Env): string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable }) => variable).sort();
    throw error;
  }
  return [];
}

test('when nothing is set, the control plane is on loopback, port 7070, without TLS, and names localhost', () => {
  const config = loadConfig({});
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 7070);
  assert.equal(config.publicUrl, 'http://localhost:7070');
  assert.deepEqual(config.tls, { mode: 'off' });
  assert.equal(config.localAgent, 'observe');
  assert.equal(config.telegram, null);
  assert.match(config.dataDir, /^\/.*\/data$/);
});

test('when several variables are wrong, all of them are named at once', () => {
  assert.deepEqual(
    problemsOf({
      COUNTERSIGN_PORT: 'seven',
      COUNTERSIGN_HOST: 'not a host',
      COUNTERSIGN_LOCAL_AGENT: 'maybe',
      COUNTERSIGN_URL: 'ftp://x',
      COUNTERSIGN_TLS_CERT: '/nowhere.crt',
      TELEGRAM_BOT_TOKEN: 'hello',
    }),
    [
      'COUNTERSIGN_HOST',
      'COUNTERSIGN_LOCAL_AGENT',
      'COUNTERSIGN_PORT',
      'COUNTERSIGN_TLS_KEY',
      'COUNTERSIGN_URL',
      'TELEGRAM_BOT_TOKEN',
    ],
  );
});

test('when the address is not loopback and nobody speaks TLS, the control plane makes its own certificate', () => {
  for (const host of ['0.0.0.0', '192.0.2.7', '::', '2001:db8::1', 'cp.example.org']) {
    const config = loadConfig({ COUNTERSIGN_HOST: host });
    assert.deepEqual(config.tls, { mode: 'own' }, host);
    assert.match(config.publicUrl, /^https:\/\/.+:7070$/, host);
  }
  assert.equal(loadConfig({ COUNTERSIGN_HOST: '2001:db8::1' }).publicUrl, 'https://[2001:db8::1]:7070');
});

test('when the address is loopback in any form, plain HTTP is fine', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])
    assert.deepEqual(loadConfig({ COUNTERSIGN_HOST: host }).tls, { mode: 'off' }, host);
});

test('when a proxy is in front, the public address must be given and must be https', () => {
  assert.deepEqual(problemsOf({ COUNTERSIGN_BEHIND_PROXY: '1' }), ['COUNTERSIGN_URL']);
  assert.deepEqual(problemsOf({ COUNTERSIGN_BEHIND_PROXY: '1', COUNTERSIGN_URL: 'http://cp.example.org' }), [
    'COUNTERSIGN_URL',
  ]);
  const config = loadConfig({ COUNTERSIGN_BEHIND_PROXY: '1', COUNTERSIGN_URL: 'https://cp.example.org/' });
  assert.equal(config.publicUrl, 'https://cp.example.org');
  assert.deepEqual(config.tls, { mode: 'proxy' });
});

test('when the public address says https but nothing speaks TLS, that is a problem', () => {
  assert.deepEqual(problemsOf({ COUNTERSIGN_URL: 'https://localhost:7070' }), ['COUNTERSIGN_URL']);
});

test('when the public address has a path, it is refused: Countersign owns its origin', () => {
  assert.deepEqual(problemsOf({ COUNTERSIGN_URL: 'http://localhost:7070/cs' }), ['COUNTERSIGN_URL']);
});

test('when certificate and key belong together they are used, and when they do not, the key is named', async () => {
  const [keyA, keyB] = [await makeTlsKey(), await makeTlsKey()];
  const files = { crt: join(folder, 'a.crt'), a: join(folder, 'a.key'), b: join(folder, 'b.key') };
  writeFileSync(files.crt, await makeCertificate(keyA, ['cp.example.org'], Date.now()));
  writeFileSync(files.a, keyA);
  writeFileSync(files.b, keyB);
  const env = { COUNTERSIGN_HOST: '0.0.0.0', COUNTERSIGN_TLS_CERT: files.crt };
  assert.equal(loadConfig({ ...env, COUNTERSIGN_TLS_KEY: files.a }).tls.mode, 'given');
  assert.deepEqual(problemsOf({ ...env, COUNTERSIGN_TLS_KEY: files.b }), ['COUNTERSIGN_TLS_KEY']);
  assert.deepEqual(problemsOf({ ...env, COUNTERSIGN_TLS_KEY: files.crt }), ['COUNTERSIGN_TLS_KEY']);
  assert.deepEqual(
    problemsOf({
      ...env,
      COUNTERSIGN_TLS_KEY: files.a,
      COUNTERSIGN_BEHIND_PROXY: '1',
      COUNTERSIGN_URL: 'https://cp.example.org',
    }),
    ['COUNTERSIGN_BEHIND_PROXY'],
  );
});

test('when the configuration is printed, the token of the bot is not in it', () => {
  const config = loadConfig({ TELEGRAM_BOT_TOKEN: '123456:secret-part', TELEGRAM_API_ROOT: 'http://127.0.0.1:9/' });
  assert.equal(config.telegram?.apiRoot, 'http://127.0.0.1:9');
  assert.ok(!JSON.stringify(printableConfig(config)).includes('secret-part'));
});

test('when a variable is empty, it counts as absent', () => {
  assert.deepEqual(readEnv({ COUNTERSIGN_PORT: '', COUNTERSIGN_HOST: '  ', COUNTERSIGN_URL: ' http://localhost:1 ' }), {
    COUNTERSIGN_URL: 'http://localhost:1',
  });
});

test('when a variable is read, it has words that say what it is for', () => {
  for (const [name, words] of Object.entries(variables)) assert.match(words, /\.$/, name);
});
