import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CannotConnect } from '../../src/link/connect-socket.ts';
import { dialer } from '../../src/link/dial.ts';
import { makeCertificate, pinOf } from './certificate.ts';
import { ControlPlane, type TlsFiles } from './control-plane.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-tls-'));
const quiet = new AbortController().signal;
const plain = { tlsPin: null, ca: null, proxy: null };
let ours: TlsFiles;
let other: TlsFiles;

before(() => {
  ours = makeCertificate(folder, 'ours');
  other = makeCertificate(folder, 'other');
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('when the certificate has the pinned key, nobody has to have signed it', async () => {
  await using controlPlane = await ControlPlane.start(ours);
  const wire = await dialer({ ...plain, url: controlPlane.url, tlsPin: pinOf(ours) })(quiet);
  assert.equal(wire.isOpen, true);
  wire.cut();
});

test('when the certificate has another key than the pinned one, nothing is sent and both keys are named', async () => {
  await using controlPlane = await ControlPlane.start(other);
  await assert.rejects(dialer({ ...plain, url: controlPlane.url, tlsPin: pinOf(ours) })(quiet), (error) => {
    assert.ok(error instanceof CannotConnect);
    assert.ok(error.message.includes(pinOf(other)));
    return true;
  });
  assert.equal(controlPlane.peers.length, 0);
});

test('when a certificate is home-made and nothing is pinned, it is not trusted; with its authority given it is', async () => {
  await using controlPlane = await ControlPlane.start(ours);
  await assert.rejects(dialer({ ...plain, url: controlPlane.url })(quiet), /self-signed/);
  const wire = await dialer({ ...plain, url: controlPlane.url, ca: ours.cert })(quiet);
  assert.equal(wire.isOpen, true);
  wire.cut();
  await assert.rejects(
    dialer({ ...plain, url: controlPlane.url.replace('localhost', '127.0.0.1'), ca: ours.cert })(quiet),
    /127\.0\.0\.1/,
  );
});

test('when a proxy is set, the connection goes through it, and a refusal of the proxy is told', async () => {
  await using controlPlane = await ControlPlane.start(ours);
  const asked: string[] = [];
  const proxy = createHttpServer((_, response) => response.writeHead(400).end());
  proxy.on('connect', (request, socket, head) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`);
    if (!request.headers['proxy-authorization'])
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const through = connect(controlPlane.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      through.write(head);
      through.pipe(socket).pipe(through);
    });
    socket.on('error', () => through.destroy());
    through.on('error', () => socket.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  try {
    const options = { ...plain, url: controlPlane.url, tlsPin: pinOf(ours) };
    const wire = await dialer({ ...options, proxy: `http://ada:s%20cret@127.0.0.1:${port}` })(quiet);
    assert.equal(wire.isOpen, true);
    wire.cut();
    assert.equal(asked[0], `localhost:${controlPlane.port} Basic ${Buffer.from('ada:s cret').toString('base64')}`);
    await assert.rejects(dialer({ ...options, proxy: `http://127.0.0.1:${port}` })(quiet), /proxy answered 407/);
  } finally {
    proxy.closeAllConnections();
    proxy.close();
  }
});

test('when the control plane is on this machine and speaks plain http, nothing of it goes to a proxy', async () => {
  await using controlPlane = await ControlPlane.start();
  const proxy = createServer((socket) => void socket.destroy());
  let asked = 0;
  proxy.on('connection', () => {
    asked += 1;
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  try {
    const wire = await dialer({ ...plain, url: controlPlane.url, proxy: `http://127.0.0.1:${port}` })(quiet);
    assert.equal(wire.isOpen, true);
    wire.cut();
    assert.equal(asked, 0);
  } finally {
    proxy.close();
  }
});

test('when nothing listens, or what listens is no control plane, dialling ends with the reason', async () => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  silent.close();
  await once(silent, 'close');
  await assert.rejects(dialer({ ...plain, url: `http://127.0.0.1:${port}` })(quiet), /ECONNREFUSED/);
  const web = createHttpServer((_, response) => response.end('hello'));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  await assert.rejects(
    dialer({ ...plain, url: `http://127.0.0.1:${(web.address() as AddressInfo).port}` })(quiet),
    /does not speak with agents: it answered 200/,
  );
  web.closeAllConnections();
  web.close();
});

test('T1: when a control plane that is not proven yet has no time, the link hears when to come back, for five minutes at most', async () => {
  const told: Record<string, number | null> = {
    '7': 7000,
    '999999': 300_000,
    '-1': null,
    'Wed, 21 Oct 2026 07:28:00 GMT': null,
  };
  let retryAfter = '';
  const busy = createHttpServer();
  busy.on('upgrade', (_, socket) =>
    socket.end(`HTTP/1.1 503 Service Unavailable\r\nRetry-After: ${retryAfter}\r\nConnection: close\r\n\r\n`),
  );
  busy.listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const dial = dialer({ ...plain, url: `http://127.0.0.1:${(busy.address() as AddressInfo).port}` });
  for (const [said, comeBackMs] of Object.entries(told)) {
    retryAfter = said;
    await assert.rejects(dial(quiet), (error) => {
      assert.ok(error instanceof CannotConnect);
      assert.equal(error.comeBackMs, comeBackMs, said);
      return true;
    });
  }
  busy.close();
});

test('when dialling is called off, it ends at once, whoever does not answer', async () => {
  const mute = createServer(() => undefined);
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const stop = new AbortController();
  const dialled = dialer({
    ...plain,
    url: `https://127.0.0.1:${(mute.address() as AddressInfo).port}`,
    tlsPin: pinOf(ours),
  })(stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await assert.rejects(dialled, CannotConnect);
  mute.close();
});
