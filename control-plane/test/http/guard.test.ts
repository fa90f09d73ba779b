import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Home, hostsKept, strangerIn, type Visit } from '../../src/http/guard.ts';
import { openDoor, ownerSession } from './door.ts';
import { cookieOf, raw } from './raw.ts';

const own = [
  'localhost:7070',
  '127.0.0.1:7070',
  '[::1]:7070',
  '127.9.9.9:7070',
  'cp.example.org:7070',
  'LOCALHOST:7070',
  'localhost:8443',
];
const foreign = [
  'evil.example',
  'evil.example:7070',
  'cp.example.org',
  'cp.example.org:7071',
  'cp.example.org.evil.example:7070',
  'localhost.evil.example:7070',
  'evil.localhost:7070',
  '127.0.0.1.evil.example:7070',
  '192.0.2.5:7070',
  '0.0.0.0:7070',
  'user@localhost:7070',
  'localhost:7070/x',
  '',
];
const home: Home = { publicUrl: 'http://cp.example.org:7070', host: '127.0.0.1' };
const visit = (changes: Partial<Visit>): Visit => ({
  ...{ method: 'POST', path: '/api/v1/session', host: 'localhost:7070', origin: undefined },
  ...{ fetchSite: undefined, fetchMode: undefined, fetchDest: undefined, localAddress: '127.0.0.1' },
  ...changes,
});

test('T18: of every Host and every Origin together, only our own names with our own pages come in', () => {
  let seen = 0;
  const origins = [
    undefined,
    'null',
    'http://evil.example',
    'http://localhost:3000',
    'https://localhost:7070',
    'http://evil.localhost:7070',
    'file://',
    'chrome-extension://abc',
    'http://127.0.0.1',
    'http://cp.example.org:7070/',
  ];
  for (const host of [...own, ...foreign])
    for (const origin of [...origins, `http://${host}`.toLowerCase(), 'http://cp.example.org:7070']) {
      seen += 1;
      const ownOrigin = origin === undefined || origin === `http://${host}`.toLowerCase() || origin === home.publicUrl;
      const expected = own.includes(host) && ownOrigin;
      assert.equal(strangerIn(visit({ host, origin }), home) === null, expected, `${host} from ${origin}`);
    }
  assert.ok(seen >= 240, `${seen} pairs`);
  assert.notEqual(strangerIn(visit({ host: undefined }), home), null);
});

test('T18: when hosts that were ours are remembered, each visit is judged as if none was', () => {
  const isOurs = hostsKept();
  const homes = [home, { ...home, publicUrl: 'http://evil.example' }];
  const many = Array.from({ length: 150 }, (_, n) => `127.0.0.${n}:${n}`);
  for (let round = 0; round < 3; round += 1)
    for (const host of [...own, ...foreign, ...many, undefined])
      for (const localAddress of ['127.0.0.1', '192.0.2.5', undefined])
        for (const each of homes) {
          const changed = visit({ host, localAddress });
          assert.equal(strangerIn(changed, each, isOurs), strangerIn(changed, each), `${host} to ${localAddress}`);
        }
});

test('T13: when a host of ours comes again, by name or by address, it is not taken apart again, nor is its address asked for a name', (t) => {
  const isOurs = hostsKept();
  const wide: Home = { ...home, host: '0.0.0.0' };
  const parse = t.mock.method(URL, 'parse');
  let looks = 0;
  for (const [host, again] of [
    ['cp.example.org:7070', 0],
    ['192.0.2.5:7070', 1],
  ] as const) {
    const one: Visit = {
      ...visit({ host }),
      get localAddress() {
        looks += 1;
        return '192.0.2.5';
      },
    };
    assert.equal(isOurs(one, wide), true, host);
    parse.mock.resetCalls();
    looks = 0;
    assert.equal(isOurs(one, wide), true, host);
    assert.deepEqual([parse.mock.callCount(), looks], [0, again], host);
    assert.equal(isOurs(visit({ host, localAddress: '192.0.2.6' }), wide), again === 0, host);
  }
});

test('T18: when a second answer goes out, it has the headers of the first', async (t) => {
  const door = await openDoor(t);
  const guards = async (path: string) =>
    Object.entries((await raw(door, 'GET', path)).headers).filter(([name]) =>
      /^(content-security|x-(?!ratelimit)|referrer|cross-origin|origin-agent|strict)/.test(name),
    );
  const first = await guards('/healthz');
  assert.ok(first.length >= 10, JSON.stringify(first));
  for (const path of ['/healthz', '/nowhere', '/api/v1/me'])
    assert.deepEqual(new Map(await guards(path)), new Map(first), path);
});

test('T18: when a browser says that another site sends the request, only a followed link to a page comes in', () => {
  const foreignVisit = { fetchSite: 'cross-site', fetchMode: 'cors', fetchDest: 'empty' };
  const link = {
    method: 'GET',
    path: '/actions/act_1',
    fetchSite: 'cross-site',
    fetchMode: 'navigate',
    fetchDest: 'document',
  };
  const comesIn = (changes: Partial<Visit>) => strangerIn(visit(changes), home) === null;
  assert.equal(comesIn({ fetchSite: 'same-origin', fetchMode: 'cors' }), true);
  assert.equal(comesIn({ fetchSite: 'none', fetchMode: 'navigate', method: 'GET', path: '/' }), true);
  assert.equal(comesIn(foreignVisit), false);
  assert.equal(comesIn({ ...foreignVisit, method: 'GET' }), false);
  assert.equal(comesIn({ ...foreignVisit, fetchSite: 'same-site' }), false);
  assert.equal(comesIn(link), true);
  assert.equal(comesIn({ ...link, fetchSite: 'same-site' }), true);
  assert.equal(comesIn({ ...link, method: 'POST' }), false);
  assert.equal(comesIn({ ...link, fetchDest: 'iframe' }), false);
  assert.equal(comesIn({ ...link, fetchDest: 'image', fetchMode: 'no-cors' }), false);
  for (const path of ['/api/v1/session', '/mcp', '/agent', '/hooks/hok_1'])
    assert.equal(comesIn({ ...link, path }), false, path);
});

test('when an editor built on Electron calls /mcp under a scheme of its own, it comes in there and nowhere else', () => {
  const editor = { origin: 'vscode-file://vscode-app', fetchSite: 'cross-site', path: '/mcp' };
  assert.equal(strangerIn(visit(editor), home), null);
  for (const changes of [
    { path: '/api/v1/session' },
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { host: 'evil.example' },
  ])
    assert.notEqual(strangerIn(visit({ ...editor, ...changes }), home), null, JSON.stringify(changes));
});

test('when the control plane listens on an address, that address is a name of ours too', () => {
  const wide: Home = { publicUrl: 'https://cp.example.org', host: '0.0.0.0' };
  const comesIn = (host: string) => strangerIn(visit({ host, localAddress: '::ffff:192.0.2.5' }), wide) === null;
  assert.equal(comesIn('192.0.2.5:7070'), true);
  assert.equal(comesIn('192.0.2.6:7070'), false);
  assert.equal(comesIn('cp.example.org'), true);
  assert.equal(comesIn('cp.example.org:443'), true);
});

test('T18: when a rebound name or a foreign page talks to the real socket, it gets 403 on every kind of route', async (context) => {
  const door = await openDoor(context);
  const token = await ownerSession(door);
  for (const path of ['/', '/api/v1/setup', '/api/v1/events', '/healthz', '/metrics', '/nowhere', '/api/v1/session']) {
    const rebound = await raw(door, 'GET', path, { host: 'evil.example:7070', authorization: `Bearer ${token}` });
    assert.equal(rebound.status, 403, path);
    assert.equal(rebound.body.error.code, 'origin_denied', path);
    const page = await raw(door, 'GET', path, { host: `localhost:${door.port}`, origin: 'http://evil.example' });
    assert.equal(page.status, 403, path);
  }
});

test('T18: when a change rests on the cookie alone, it needs the header that no foreign page can send', async (context) => {
  const door = await openDoor(context);
  const host = `localhost:${door.port}`;
  const json = { host, 'content-type': 'application/json' };
  const body = { email: 'a@example.org', name: 'A', password: 'long enough it is', secret: await door.setupSecret() };
  const { cookie } = cookieOf(await raw(door, 'POST', '/api/v1/setup', json, JSON.stringify(body)));
  const create = (headers: Record<string, string>) =>
    raw(door, 'POST', '/api/v1/tokens', { ...json, ...headers }, '{"name":"x"}');
  assert.equal((await create({ cookie })).body.error.code, 'origin_denied');
  assert.equal((await create({ cookie, 'x-countersign': '1' })).status, 200);
  assert.equal((await create({ cookie, 'x-countersign': '1', origin: 'http://evil.example' })).status, 403);
  assert.equal((await create({ cookie, 'x-countersign': '1', 'sec-fetch-site': 'same-site' })).status, 403);
  assert.equal((await create({ cookie, 'x-countersign': '1', origin: `http://${host}` })).status, 200);
  assert.equal((await raw(door, 'GET', '/api/v1/session', { host, cookie })).status, 200);
});
