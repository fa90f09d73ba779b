import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { sha256 } from '@countersign/protocol/digest';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { operationNamed, operationNames } from '@countersign/protocol/operator-api/index';
import { freePort } from '../../../test/world/free-port.ts';
import { lendPackage } from '../../../test/world/lent-package.ts';
import { makeSetupSecret } from '../../src/access/set-up.ts';
import { verifyExport } from '../../src/audit/verify-export.ts';
import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/config.ts';
import { owner } from './door.ts';
import { raw } from './raw.ts';

const run = promisify(execFile);

async function composed(context: TestContext, env: Record<string, string> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-compose-'));
  const lines: unknown[] = [];
  const say = (...line: unknown[]) => void lines.push(line);
  const config = loadConfig({ COUNTERSIGN_PORT: '0', COUNTERSIGN_DATA: dataDir, ...env });
  const controlPlane = await compose(config, { log: { info: say, warn: say, error: say } });
  context.after(async () => {
    await controlPlane[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  });
  const port = Number(new URL(controlPlane.localUrl).port);
  return { controlPlane, config, port, lines };
}

async function ownerOf({ controlPlane }: Awaited<ReturnType<typeof composed>>) {
  const base = controlPlane.localUrl;
  const { secret } = await makeSetupSecret(controlPlane.access);
  const { session } = await operatorClient({ base, fetch })('setUp', { ...owner, secret, cli: true });
  return { session: session ?? '', call: operatorClient({ base, fetch, bearer: session ?? '' }) };
}

test('when the control plane is composed, every operation of the table has its route, and strangers get what they may', async (context) => {
  const world = await composed(context);
  const document = await raw(world, 'GET', '/api/v1/openapi.json', { host: 'localhost' });
  assert.equal(
    Object.values(document.body.paths).flatMap((it) => Object.keys(it as object)).length,
    operationNames.length,
  );
  assert.equal(document.body.servers[0].url, world.controlPlane.publicUrl);
  for (const name of operationNames) {
    const { method, path, access } = operationNamed(name);
    const url = `/api/v1${path.replace(/\{\w+\}/g, 'x')}`;
    const { status } = await raw(
      world,
      method,
      url,
      { host: 'localhost', 'content-type': 'application/json' },
      method === 'GET' || method === 'DELETE' ? undefined : '{}',
    );
    if (access === 'public') assert.ok(status === 200 || status === 400, `${name}: ${status}`);
    else assert.equal(status, 401, name);
  }
});

test('when a person asks for everything that only reads, the answers have the promised shape', async (context) => {
  const { call } = await ownerOf(await composed(context));
  for (const name of [
    'getCapabilities',
    'listServers',
    'listAlerts',
    'listPlaybooks',
    'listActions',
    'getTimeline',
    'getAuditLog',
    'getOverview',
    'listPeople',
    'listTokens',
    'getConnect',
    'getTelegram',
    'listHooks',
    'getPolicy',
    'verifyAudit',
  ] as const)
    assert.ok(await call(name, {}), name);
});

test('T24: when nothing else is asked for, a password is kept as dearly as OWASP advises', async (context) => {
  const { controlPlane } = await composed(context);
  const kept = await controlPlane.access.passwords.hash(owner.password);
  assert.match(kept, /^\$scrypt\$ln=15,r=8,p=3\$/);
});

test('when the audit log is exported over HTTP, it verifies; a token does not get it', async (context) => {
  const world = await composed(context);
  const { session, call } = await ownerOf(world);
  const { secret } = await call('createToken', { name: 'Claude' });
  const get = (bearer: string) =>
    raw(world, 'GET', '/api/v1/audit/export', { host: 'localhost', authorization: `Bearer ${bearer}` });
  assert.equal((await get(secret)).status, 403);
  const answer = await get(session);
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers['content-disposition']), /countersign-audit-\d{4}-\d\d-\d\d\.ndjson/);
  const verdict = await verifyExport(answer.text.trimEnd().split('\n'), {
    key: world.controlPlane.secrets.controlPlaneKey.publicKey,
  });
  assert.deepEqual(verdict.problems, []);
  assert.equal(verdict.ok, true);
});

test('when a server fetches what it installs, script, checksum and package fit together', async (context) => {
  const world = await composed(context);
  await lendPackage(join(world.config.dataDir, 'agent-packages'));
  const get = (path: string) => raw(world, 'GET', path, { host: 'localhost' });
  const script = await get('/install.sh');
  assert.equal(script.status, 200);
  assert.match(script.text, /^#!\/bin\/sh\n/);
  assert.equal((await get('/agent/linux-mips.tar.gz')).body.error.code, 'package_missing');
  assert.equal((await get('/agent/..%2f..%2fkeys')).status, 404);
  assert.equal((await get('/agent/windows.zip')).status, 404);
  const platform = `linux-${process.arch}`;
  const [sum, name] = (await get(`/agent/${platform}.sha256`)).text.trim().split('  ');
  assert.match(name ?? '', new RegExp(`^countersign-agent-.+-${platform}\\.tar\\.gz$`));
  const response = await fetch(`${world.controlPlane.localUrl}/agent/${platform}.tar.gz`);
  assert.equal(sha256(new Uint8Array(await response.arrayBuffer())), sum);
  const manifest = (await get('/agent/manifest.json')).body.packages;
  assert.deepEqual(
    manifest.map(({ sha256 }: { sha256: string }) => sha256),
    [sum],
  );
});

test('when the control plane is off loopback, curl with the pin gets the script, and with another pin nothing', async (context) => {
  const { controlPlane, port } = await composed(context, { COUNTERSIGN_HOST: '0.0.0.0' });
  const pin = controlPlane.secrets.tls?.pin ?? '';
  const curl = (key: string) =>
    run('curl', [
      '-fsS',
      '--insecure',
      '--proto',
      '=https',
      '--pinnedpubkey',
      key,
      `https://127.0.0.1:${port}/install.sh`,
    ]);
  assert.match((await curl(pin)).stdout, /^#!\/bin\/sh\n/);
  await assert.rejects(curl(`sha256//${'A'.repeat(43)}=`), /public key/);
  await assert.rejects(run('curl', ['-fsS', `http://127.0.0.1:${port}/install.sh`]));
});

test('when it is disposed of, its port is free, its start and end are on record and the log is signed to the end', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'countersign-compose-'));
  context.after(() => rmSync(dataDir, { recursive: true }));
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const port = String(await freePort());
  const env = { COUNTERSIGN_PORT: port, COUNTERSIGN_DATA: dataDir };
  const first = await compose(loadConfig(env), { log: quiet });
  await first[Symbol.asyncDispose]();
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
  const second = await compose(loadConfig(env), { log: quiet });
  const events = await second.core.db.selectFrom('audit_entry').select(['seq', 'event']).orderBy('seq').execute();
  const own = events.filter(({ event }) => event.startsWith('control_plane.'));
  assert.deepEqual(
    own.map(({ event }) => event),
    ['control_plane.started', 'control_plane.stopped', 'control_plane.started'],
  );
  const signed = await second.core.db
    .selectFrom('audit_checkpoint')
    .select('size')
    .orderBy('size', 'desc')
    .executeTakeFirst();
  assert.equal(signed?.size, own[1]?.seq);
  await second[Symbol.asyncDispose]();
  assert.ok(readFileSync(join(dataDir, 'countersign.db')).length > 0);
});
