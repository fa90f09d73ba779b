import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import Fastify from 'fastify';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { loadSecrets } from '../../src/config/secrets.ts';

const deps = { clock: systemClock, ids: systemIds };

function freshConfig(context: { after(fn: () => void): void }, env: Record<string, string> = {}): Config {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-secrets-'));
  context.after(() => rmSync(dataDir, { recursive: true }));
  return loadConfig({ ...env, COUNTERSIGN_DATA: dataDir });
}

test('when secrets are loaded twice, they are the same, and only their owner can read them', async (context) => {
  const config = freshConfig(context);
  const [first, second] = [await loadSecrets(config, deps), await loadSecrets(config, deps)];
  assert.deepEqual(first, second);
  assert.equal(first.sealKey.length, 32);
  assert.match(first.controlPlaneKey.publicKey, /^ed25519:/);
  const folder = join(config.dataDir, 'keys');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
});

test('when a key file is damaged, loading fails instead of making a new key', async (context) => {
  const config = freshConfig(context);
  await loadSecrets(config, deps);
  writeFileSync(join(config.dataDir, 'keys', 'seal.key'), 'short');
  await assert.rejects(loadSecrets(config, deps), /seal\.key is damaged/);
});

test('when the public name changes, the certificate changes but its pin stays', async (context) => {
  const config = freshConfig(context, { COUNTERSIGN_HOST: '0.0.0.0', COUNTERSIGN_URL: 'https://one.example.org:7070' });
  const one = await loadSecrets(config, deps);
  const two = await loadSecrets({ ...config, publicUrl: 'https://two.example.org:7070' }, deps);
  assert.match(one.tls?.pin ?? '', /^sha256\/\/[A-Za-z0-9+/]{43}=$/);
  assert.equal(two.tls?.pin, one.tls?.pin);
  const names = new X509Certificate(two.tls?.cert ?? '').subjectAltName ?? '';
  assert.match(names, /DNS:two\.example\.org/);
  assert.match(names, /IP Address:127\.0\.0\.1/);
  assert.doesNotMatch(names, /one\.example\.org/);
  assert.match(readFileSync(join(config.dataDir, 'keys', 'tls.key'), 'utf8'), /PRIVATE KEY/);
});

test('when we make a certificate, it is no CA and names no key usage, since Codex and Claude Code refuse other forms', async (context) => {
  const { tls } = await loadSecrets(freshConfig(context, { COUNTERSIGN_HOST: '0.0.0.0' }), deps);
  const certificate = new X509Certificate(tls?.cert ?? '');
  assert.equal(certificate.ca, false);
  const KEY_USAGE = Buffer.from('0603551d0f', 'hex'); // id-ce-keyUsage, RFC 5280 section 4.2.1.3
  assert.equal(certificate.raw.includes(KEY_USAGE), false);
});

test('when a client trusts only the certificate we made, a real TLS connection to it works', async (context) => {
  const config = freshConfig(context, { COUNTERSIGN_HOST: '0.0.0.0' });
  const { tls } = await loadSecrets(config, deps);
  assert.ok(tls);
  const app = Fastify({ https: { cert: tls.cert, key: tls.key } });
  context.after(() => app.close());
  app.get('/', () => 'hello');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const status = await new Promise((resolve, reject) => {
    request({ host: 'localhost', port, path: '/', ca: tls.cert }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  assert.equal(status, 200);
});
