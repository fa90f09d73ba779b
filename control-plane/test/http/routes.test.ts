import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { operationNamed, operationNames } from '@countersign/protocol/operator-api/index';
import { openApiDocument } from '../../src/http/openapi.ts';
import { until } from '../cli/processes.ts';
import { openDoor, owner, ownerSession } from './door.ts';
import { cookieOf, raw } from './raw.ts';

const json = { host: 'localhost', 'content-type': 'application/json' };

test('when a browser signs in over plain HTTP, its cookie is out of reach of scripts and other sites', async (context) => {
  const door = await openDoor(context);
  const body = JSON.stringify({ ...owner, secret: await door.setupSecret() });
  const answer = await raw(door, 'POST', '/api/v1/setup', json, body);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.session, null);
  assert.equal(answer.headers['cache-control'], 'no-store');
  const { cookie, flags } = cookieOf(answer);
  assert.match(flags, /^countersign=csw_[^;]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
  const bearer = cookie.split('=')[1] ?? '';
  assert.equal((await raw(door, 'GET', '/api/v1/session', { ...json, authorization: `Bearer ${bearer}` })).status, 401);
  const out = await raw(door, 'DELETE', '/api/v1/session', { host: 'localhost', cookie, 'x-countersign': '1' });
  assert.equal(out.status, 200);
  assert.match(cookieOf(out).flags, /^countersign=; .*Expires=Thu, 01 Jan 1970/);
  assert.equal((await raw(door, 'GET', '/api/v1/session', { ...json, cookie })).status, 401);
});

test('when the control plane is reached by TLS, its cookie is bound to this host', async (context) => {
  const env = { COUNTERSIGN_BEHIND_PROXY: '1', COUNTERSIGN_URL: 'https://cp.example.org' };
  const door = await openDoor(context, { env });
  const headers = {
    ...json,
    host: 'cp.example.org',
    'x-forwarded-for': '192.0.2.77',
    origin: 'https://cp.example.org',
  };
  const body = JSON.stringify({ ...owner, secret: await door.setupSecret() });
  const answer = await raw(door, 'POST', '/api/v1/setup', headers, body);
  assert.match(
    cookieOf(answer).flags,
    /^__Host-countersign=csw_[^;]+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
  );
  assert.match(String(answer.headers['strict-transport-security']), /^max-age=\d+$/);
  const session = await door.db.selectFrom('session').select('ip').executeTakeFirstOrThrow();
  assert.equal(session.ip, '192.0.2.77');
});

test('when the cookie of a session is sent as a token, or a command-line session as a cookie, it is refused', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  assert.equal((await raw(door, 'GET', '/api/v1/session', { ...json, cookie: `countersign=${session}` })).status, 401);
  assert.equal((await raw(door, 'GET', '/api/v1/session', { ...json, authorization: `Basic ${session}` })).status, 401);
  assert.equal(
    (await raw(door, 'GET', '/api/v1/session', { ...json, authorization: `Bearer ${session}` })).status,
    200,
  );
});

test('when nobody is signed in, the answer is 401 in the form of the catalogue', async (context) => {
  const door = await openDoor(context);
  const answer = await raw(door, 'GET', '/api/v1/people', json);
  assert.equal(answer.status, 401);
  assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
  assert.deepEqual(Object.keys(answer.body.error).sort(), ['code', 'message', 'next_step', 'retryable']);
  assert.equal(answer.body.error.code, 'unauthenticated');
});

test('when the input does not fit, the fields are named and nothing changes', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const headers = { ...json, authorization: `Bearer ${session}` };
  const send = async (text: string, type = 'application/json') =>
    raw(door, 'POST', '/api/v1/tokens', { ...headers, 'content-type': type }, text);
  for (const [text, words] of [
    ['{"name":""}', /name:/],
    ['{"name":"x","scope":"decide"}', /scope:/],
    ['{"name":"x","admin":true}', /admin/],
    ['{"name":', /JSON/],
    ['[]', /JSON object/],
    ['"x"', /JSON object/],
    ['{"__proto__":{"a":1},"name":"x"}', /JSON/],
  ] as const) {
    const answer = await send(text);
    assert.equal(answer.status, 400, text);
    assert.equal(answer.body.error.code, 'invalid_input', text);
    assert.match(answer.body.error.message, words, text);
  }
  assert.equal((await send('name=x', 'application/x-www-form-urlencoded')).body.error.code, 'invalid_input');
  assert.equal((await send('{"name":"x"}', 'text/plain')).body.error.code, 'invalid_input');
  const big = await send(JSON.stringify({ name: 'x'.repeat(600 * 1024) }));
  assert.equal(big.status, 413);
  assert.equal(big.body.error.code, 'too_large');
  const twice = await raw(door, 'DELETE', '/api/v1/tokens/tok_1?token=tok_2', headers);
  assert.match(twice.body.error.message, /the path says it already/);
  assert.deepEqual(await door.db.selectFrom('token').selectAll().execute(), []);
});

test('when a route is not there, API and pages say so each in their way', async (context) => {
  const door = await openDoor(context);
  const api = await raw(door, 'GET', '/api/v1/nothing', json);
  assert.equal(api.status, 404);
  assert.equal(api.body.error.code, 'not_found');
  assert.equal((await raw(door, 'PATCH', '/api/v1/tokens', { host: 'localhost' })).status, 404);
  const page = await raw(door, 'GET', '/servers', { host: 'localhost', accept: 'text/html' });
  assert.equal(page.status, 503);
  assert.match(page.text, /npm run build/);
});

test('when the dashboard is built, its pages are index.html and hashed files are kept for good', async (context) => {
  const web = mkdtempSync(join(tmpdir(), 'countersign-web-'));
  context.after(() => rmSync(web, { recursive: true }));
  mkdirSync(join(web, 'assets'));
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>Countersign</title>');
  writeFileSync(join(web, 'assets', 'main-1a2b.js'), 'export {};');
  const door = await openDoor(context, { webDist: web });
  for (const path of ['/', '/actions/act_000000000000', '/setup', '/playbooks/service.restart']) {
    const page = await raw(door, 'GET', path, { host: 'localhost', accept: 'text/html' });
    assert.equal(page.status, 200, path);
    assert.match(page.text, /<title>Countersign/);
    assert.equal(page.headers['cache-control'], 'no-cache');
  }
  const file = await raw(door, 'GET', '/assets/main-1a2b.js', { host: 'localhost' });
  assert.match(String(file.headers['cache-control']), /immutable/);
  assert.match(String(file.headers['content-type']), /javascript/);
  await until(
    () => existsSync(join(web, 'assets', 'main-1a2b.js.gz')),
    () => 'no compressed file',
  );
  const compressed = await raw(door, 'GET', '/assets/main-1a2b.js', { host: 'localhost', 'accept-encoding': 'gzip' });
  assert.equal(compressed.headers['content-encoding'], 'gzip');
  assert.match(String(compressed.headers['content-type']), /javascript/);
  assert.match(String(compressed.headers.vary), /accept-encoding/i);
  assert.equal((await raw(door, 'GET', '/assets/gone.js', { host: 'localhost' })).status, 404);
  for (const path of ['/../../package.json', '/%2e%2e/%2e%2e/package.json', '/assets/..%2f..%2fpackage.json', '/%00']) {
    const outside = await raw(door, 'GET', path, { host: 'localhost' });
    assert.ok(outside.status === 404 || outside.status === 400, `${path}: ${outside.status}`);
  }
});

test('T18: when anything is answered, its headers keep scripts, frames and guessing out', async (context) => {
  const door = await openDoor(context);
  for (const [method, path] of [
    ['GET', '/healthz'],
    ['GET', '/api/v1/people'],
    ['GET', '/'],
    ['POST', '/nowhere'],
  ] as const) {
    const { headers } = await raw(door, method, path, { host: 'localhost' });
    const csp = String(headers['content-security-policy']);
    assert.match(csp, /default-src 'none'/, path);
    assert.match(csp, /script-src 'self'(;|$)/, path);
    assert.match(csp, /frame-ancestors 'none'/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['x-frame-options'], 'DENY', path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.equal(headers['strict-transport-security'], undefined, path);
    assert.equal(headers['access-control-allow-origin'], undefined, path);
  }
});

test('when one address sends too much, it is told to wait', async (context) => {
  const door = await openDoor(context, { requestsPerMinute: 5 });
  const statuses = [];
  for (let n = 0; n < 7; n += 1) statuses.push((await raw(door, 'GET', '/healthz', { host: 'localhost' })).status);
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
  const { body, headers } = await raw(door, 'GET', '/healthz', { host: 'localhost' });
  assert.equal(body.error.code, 'rate_limited');
  assert.match(String(headers['retry-after']), /^\d+$/);
});

test('when health and metrics are asked for, they say how it is', async (context) => {
  const door = await openDoor(context);
  assert.deepEqual((await raw(door, 'GET', '/healthz', { host: 'localhost' })).body, {
    status: 'ok',
    version: '0.0.0',
  });
  const { text, headers } = await raw(door, 'GET', '/metrics', { host: 'localhost' });
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^# TYPE countersign_audit_entries_total counter\ncountersign_audit_entries_total 1$/m);
  assert.match(text, /^countersign_http_requests_total\{status="2xx"\} 1$/m);
  for (const line of text.trim().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[\d.e+]+)$/);
});

test('when somebody beyond this machine asks for metrics, it takes a token', async (context) => {
  const env = { COUNTERSIGN_BEHIND_PROXY: '1', COUNTERSIGN_URL: 'https://cp.example.org' };
  const door = await openDoor(context, { env });
  const far = { host: 'cp.example.org', 'x-forwarded-for': '192.0.2.77' };
  assert.equal((await raw(door, 'GET', '/metrics', far)).status, 401);
  const session = await ownerSession(door);
  const { secret } = await door.call(session)('createToken', { name: 'Prometheus', scope: 'read' });
  assert.equal((await raw(door, 'GET', '/metrics', { ...far, authorization: `Bearer ${secret}` })).status, 200);
});

test('when the OpenAPI document is made, it lists every operation, and all its references lead somewhere', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the document is looked into freely
  const document = openApiDocument('http://localhost:7070', '0.1.0') as any;
  for (const name of operationNames) {
    const { method, path, access } = operationNamed(name);
    const entry = document.paths[`/api/v1${path}`]?.[method.toLowerCase()];
    assert.equal(entry?.operationId, name);
    assert.equal(entry.security.length > 0, access !== 'public', name);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, member]) => member);
    const listed = entry.parameters
      .filter((it: { in: string }) => it.in === 'path')
      .map((it: { name: string }) => it.name);
    assert.deepEqual(listed, inPath, name);
  }
  const text = JSON.stringify(document);
  for (const [, path = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const target = path.split('/').reduce((at, member) => at?.[member], document);
    assert.ok(target, path);
  }
});
