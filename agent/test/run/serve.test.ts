/** The runner as a process that listens: who may connect, what it does with lines that do not fit, and when it goes. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { readCertificates } from '../../src/host/certificates.ts';
import { claim } from '../../src/run/claim.ts';
import { Journal } from '../../src/run/journal.ts';
import { listen } from '../../src/run/listen.ts';
import { Runner } from '../../src/run/runner.ts';
import { RunnerService } from '../../src/run/serve.ts';
import { serverName } from '../../src/run/server-name.ts';
import { heldClock } from '../held-clock.ts';
import { makeCertificate } from '../link/certificate.ts';
import { type Bed, commandUntil, draftOf, grantOf, makeBed, planOf, until } from './bed.ts';

interface Served {
  readonly path: string;
  readonly idle: () => boolean;
  /** Nobody has asked for so long that it is looked whether the runner is idle. */
  readonly lookIdle: () => void;
  [Symbol.asyncDispose](): Promise<void>;
}

const IDLE_MS = 75_000;

async function serve(bed: Bed): Promise<Served> {
  const journal = Journal.open(bed.ports.stateDir, bed.clock);
  const clock = heldClock(bed.clock, IDLE_MS);
  const ports = { ...bed.ports, clock };
  const runner = new Runner(ports, journal);
  let idle = false;
  const service = new RunnerService({
    ...{ runner, journal, ports, idleMs: IDLE_MS },
    endWithLinks: false,
    onIdle: () => {
      idle = true;
    },
  });
  const path = join(bed.folder, 'socket/runner.sock');
  const server = await listen({ path }, (input, output) => service.serve(input, output));
  return {
    path,
    idle: () => idle,
    lookIdle: () => clock.pass(),
    async [Symbol.asyncDispose]() {
      server.close();
      await until(() => runner.running === 0 || undefined, 'the runner to be quiet');
      journal.close();
    },
  };
}

async function talk(path: string): Promise<{ socket: Socket; lines: string[] }> {
  const socket = connect(path);
  await once(socket, 'connect');
  const lines: string[] = [];
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  socket.on('error', () => undefined);
  return { socket, lines };
}

test('when the runner makes its own socket, only its owner can connect, and one that a killed runner left is replaced', async () => {
  using bed = makeBed();
  mkdirSync(join(bed.folder, 'socket'));
  const dead = createServer();
  dead.listen(join(bed.folder, 'socket/left.sock'));
  await once(dead, 'listening');
  symlinkSync(join(bed.folder, 'socket/left.sock'), join(bed.folder, 'x'));
  await using served = await serve(bed);
  assert.equal(statSync(served.path).mode & 0o777, 0o600);
  const { socket, lines } = await talk(served.path);
  socket.write('{"type":"about","requestId":"req_000000000001"}\n');
  assert.match(await until(() => lines[0], 'an answer'), /"mode":"act"/);
  socket.destroy();
  dead.close();
});

test('when lines do not fit, they are passed over, and the next one is answered', async () => {
  using bed = makeBed();
  await using served = await serve(bed);
  const { socket, lines } = await talk(served.path);
  for (const line of [
    '',
    'no json',
    'null',
    '{"type":"observe"}',
    '{"type":"run","argv":["rm"]}',
    '{"type":"certificates","requestId":"a","argv":["x"]}',
  ])
    socket.write(`${line}\n`);
  socket.write('{"type":"about","requestId":"req_000000000001"}\n');
  assert.match(await until(() => lines[0], 'an answer'), /"type":"about"/);
  assert.equal(lines.length, 1);
  socket.destroy();
});

test('T13: when a line has no end, the connection is closed and others go on', async () => {
  using bed = makeBed();
  await using served = await serve(bed);
  const flood = await talk(served.path);
  const quiet = await talk(served.path);
  const block = Buffer.alloc(64 * 1024, 0x61);
  for (let sent = 0; sent < 3 * 1024 * 1024 && !flood.socket.destroyed; sent += block.length) flood.socket.write(block);
  await until(() => flood.socket.destroyed, 'the connection to be closed');
  quiet.socket.write('{"type":"about","requestId":"req_000000000001"}\n');
  await until(() => quiet.lines[0], 'an answer');
  quiet.socket.destroy();
});

/** Looks until the runner is idle. */
const becomesIdle = (served: Served) =>
  until(() => {
    served.lookIdle();
    return served.idle();
  }, 'the runner to be idle');

test('when the link goes in the middle of a request, the request is called off', async () => {
  using bed = makeBed();
  await using served = await serve(bed);
  const { socket, lines } = await talk(served.path);
  socket.write(
    '{"type":"observe","requestId":"a","capability":"disk.free","parameters":{"path":"/slow"},"timeoutMs":120000}\n',
  );
  socket.write('{"type":"about","requestId":"req_000000000001"}\n');
  await until(() => lines.length === 1, 'an answer to what came after it');
  served.lookIdle();
  assert.equal(served.idle(), false, 'a request under way keeps the runner');
  socket.destroy();
  await becomesIdle(served);
});

test('when an action is under way, the runner is not idle, however long nobody asks', async () => {
  using bed = makeBed();
  const goOn = join(bed.folder, 'go-on');
  const step = commandUntil('one', goOn);
  const grant = grantOf(bed, await planOf(bed, draftOf([step])));
  await using served = await serve(bed);
  const { socket, lines } = await talk(served.path);
  socket.write(`${JSON.stringify({ type: 'accept', grant, skewMs: 0 })}\n`);
  await until(() => lines.some((line) => line.includes('"started"')), 'the start');
  served.lookIdle();
  assert.equal(served.idle(), false);
  writeFileSync(goOn, '');
  await until(() => lines.some((line) => line.includes('"finished"')), 'the end');
  await becomesIdle(served);
  socket.destroy();
});

test('T13: when a link gives many requests one id, they are not done at once', async () => {
  using bed = makeBed();
  await using served = await serve(bed);
  const { socket, lines } = await talk(served.path);
  const line = '{"type":"certificates","requestId":"req_000000000001"}\n';
  socket.write(line.repeat(3));
  await until(() => lines.length === 3, 'three answers');
  assert.equal(lines.filter((answer) => answer.includes('agent_busy')).length, 2, lines.join('\n'));
  socket.destroy();
});

test('when two processes claim one folder, the second gets it when the first lets go', async () => {
  using bed = makeBed();
  const quiet = new AbortController().signal;
  const first = await claim(bed.folder, systemClock, quiet);
  const got: Awaited<ReturnType<typeof claim>>[] = [];
  const waiting = claim(bed.folder, systemClock, quiet).then((second) => got.push(second));
  await assert.rejects(claim(bed.folder, systemClock, AbortSignal.timeout(100)));
  assert.equal(got.length, 0);
  first.close();
  await waiting;
  for (const second of got) second.close();
});

const noNamespaces = process.getuid?.() === 0 ? false : 'only root can make a network namespace';
test('when a runner has a network of its own, as its unit gives it, the process of the dead-man timer waits for it all the same', {
  skip: noNamespaces,
}, async (t) => {
  using bed = makeBed();
  const module = new URL('../../src/run/claim.ts', import.meta.url).href;
  const program = `
      const { claim } = await import(${JSON.stringify(module)});
      const clock = { now: Date.now, monotonic: Date.now, after: () => () => undefined };
      globalThis.held = await claim(${JSON.stringify(bed.folder)}, clock, new AbortController().signal);
      process.stdout.write('held');
      setInterval(() => undefined, 1000);`;
  const argv = ['--net', '--', process.execPath, '--input-type=module', '--eval', program];
  const other = spawn('unshare', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => other.kill('SIGKILL'));
  const [said] = await once(other.stdout, 'data');
  assert.equal(String(said), 'held');
  await assert.rejects(claim(bed.folder, systemClock, AbortSignal.timeout(100)));
  other.kill('SIGKILL');
  (await claim(bed.folder, systemClock, AbortSignal.timeout(30_000))).close();
});

test('T3: when the link names another server later, the runner keeps the name that it learned first', () => {
  using bed = makeBed();
  const link = join(bed.folder, 'link');
  mkdirSync(link);
  const runner = join(bed.folder, 'runner');
  assert.equal(serverName(runner, link), null);
  writeFileSync(
    join(link, 'identity.json'),
    JSON.stringify({ serverId: 'srv_000000000001', serverName: 'web-1', publicKey: 'x' }),
  );
  assert.deepEqual(serverName(runner, link), { serverId: 'srv_000000000001', serverName: 'web-1' });
  writeFileSync(join(link, 'identity.json'), JSON.stringify({ serverId: 'srv_000000000002', serverName: 'web-2' }));
  assert.equal(serverName(runner, link)?.serverId, 'srv_000000000001');
});

test('when certbot and nginx have certificates, their ends are read once each, whatever else lies there', () => {
  using bed = makeBed();
  const live = join(bed.folder, 'live/a.example');
  const nginx = join(bed.folder, 'nginx');
  mkdirSync(live, { recursive: true });
  mkdirSync(join(nginx, 'sites-enabled'), { recursive: true });
  writeFileSync(join(live, 'cert.pem'), makeCertificate(bed.folder, 'a', 10).cert);
  execFileSync('cp', [join(live, 'cert.pem'), join(nginx, 'own.pem')]);
  const site = `server {\n  ssl_certificate ${live}/cert.pem;\n  ssl_certificate "own.pem";\n  ssl_certificate_key ${bed.folder}/key;\n  # ssl_certificate /old.pem;\n  ssl_certificate /gone.pem;\n}\n`;
  writeFileSync(join(nginx, 'site'), site);
  symlinkSync(join(nginx, 'site'), join(nginx, 'sites-enabled/site'));
  writeFileSync(join(nginx, 'nginx.conf'), 'ssl_certificate nginx.conf;\n');
  const found = readCertificates({ certbot: join(bed.folder, 'live'), nginx });
  assert.deepEqual(
    found.map(({ path }) => path),
    [join(live, 'cert.pem'), join(nginx, 'own.pem')],
  );
  for (const { endsAt } of found) assert.ok(Math.abs(endsAt - Date.now() - 10 * 24 * 3_600_000) < 120_000);
});
