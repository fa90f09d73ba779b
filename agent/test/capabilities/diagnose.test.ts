import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseDu } from '@countersign/agent/capabilities/disk/disk';
import { TopFolders } from '@countersign/agent/capabilities/disk/inodes';
import { observers } from '@countersign/agent/capabilities/index';
import { parseJournalLine } from '@countersign/agent/capabilities/logs/journal';
import { parseListeners } from '@countersign/agent/capabilities/network/network-ports';
import { closest, valueFor } from '@countersign/agent/capabilities/nginx/nginx-fix';
import {
  accessTime,
  readAccessLog,
  readUpstreamErrors,
  recentErrorLines,
} from '@countersign/agent/capabilities/nginx/nginx-logs';
import { parseComplaints } from '@countersign/agent/capabilities/nginx/nginx-test';
import { parseKills } from '@countersign/agent/capabilities/processes/memory-oom';
import { Report, sayBytes } from '@countersign/agent/capabilities/report';
import { systemdRuns } from '@countersign/agent/host/unit';
import { type DiagnosticId, diagnosticIds, diagnosticReportSchema, Fault, observations } from '@countersign/protocol';
import { unifiedDiff } from '@countersign/protocol/unified-diff';
import { eventually } from '../../../test/world/eventually.ts';
import { Place } from './context.ts';

const ids = [
  'overview',
  'disk',
  'inodes',
  'memory_oom',
  'cpu_runaway',
  'swap',
  'zombies',
  'conntrack_fd',
  'logs',
  'network_ports',
  'nginx',
  'packages',
  'cron_timers',
  'storage_hw',
] as const satisfies DiagnosticId[];

for (const id of ids)
  test(`when ${id} runs on this machine, whatever is missing here, it reports and does not fail`, async () => {
    using place = new Place();
    mkdirSync(place.at('sub'));
    writeFileSync(place.at('sub/file'), 'x'.repeat(100_000));
    const parameters =
      { disk: { path: place.root }, inodes: { mount: place.root }, cpu_runaway: { window_s: 1 } }[id as string] ?? {};
    const run = observers[id] as (parameters: unknown, context: unknown) => Promise<unknown>;
    const report = diagnosticReportSchema.parse(
      await run(observations[id].parameters.parse(parameters), place.observe()),
    );
    assert.ok(report.findings.length > 0);
    for (const finding of report.findings) assert.match(finding.title, /^\S.*[.]$/);
  });

for (const id of ['service', 'failed_units'] as const)
  test(`when ${id} runs without systemd, it says that systemd does not run the server`, {
    skip: systemdRuns() && 'systemd runs here',
  }, async () => {
    using place = new Place();
    const parameters = { unit: 'nginx.service' };
    const run = observers[id] as (parameters: object, context: unknown) => Promise<unknown>;
    await assert.rejects(run(id === 'service' ? parameters : {}, place.observe()), {
      code: 'capability_failed',
      message: /systemd does not run this server/,
    });
  });

test('when a file system is full, disk says so with the figure', {
  skip: process.getuid?.() === 0 ? false : 'needs root to mount',
}, async () => {
  using place = new Place();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=20', 'tmpfs', place.root]);
  try {
    writeFileSync(place.at('big'), Buffer.alloc(1_000_000));
    for (let number = 0; number < 17; number += 1) writeFileSync(place.at(`f${number}`), '');
    const disk = await observers.disk({ path: place.root, top: 5 }, place.observe());
    const full = disk.findings.find(({ kind, title }) => kind === 'disk.mount_full' && title.startsWith(place.root));
    assert.equal(full?.severity, 'critical');
    assert.equal(disk.figures.mount, place.root);
    const inodes = await observers.inodes({ mount: place.root }, place.observe());
    assert.match(
      inodes.findings.find(({ kind }) => kind === 'disk.inodes_full')?.title ?? '',
      /has used 9\d % of its inodes/,
    );
  } finally {
    execFileSync('umount', [place.root]);
  }
});

test('when a process spins, cpu_runaway names it', async () => {
  using place = new Place();
  const child = spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' });
  try {
    // On a busy machine it may take seconds to start, or get little of the processor in one of them.
    await eventually('the process to be named', async () => {
      const report = await observers.cpu_runaway({ window_s: 1 }, place.observe());
      const found = [
        ...report.findings.map(({ title }) => title),
        ...report.findings.flatMap(({ evidence }) => evidence.map((each) => each.untrusted_output)),
      ];
      if (!found.some((text) => text.includes(`${child.pid}`))) throw new Error(JSON.stringify(report));
      return true;
    });
  } finally {
    child.kill('SIGKILL');
  }
});

test('when a port is listened on, probes and network_ports see it, and a closed one is critical', async () => {
  using place = new Place();
  const server = createServer((_, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  try {
    assert.equal((await observers.network_ports({ port }, place.observe())).figures.port_open, true);
    assert.equal((await observers['tcp.probe']({ port }, place.observe())).open, true);
    assert.equal((await observers['http.probe']({ url }, place.observe())).status, 204);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  const closed = await observers.network_ports({ port }, place.observe());
  assert.equal(closed.findings[0]?.kind, 'network.port_closed');
  const refused = await observers['http.probe']({ url }, place.observe());
  assert.deepEqual([refused.status, refused.error], [0, 'ECONNREFUSED']);
});

test('when a log file is read, its lines are counted by level and grep finds only what is not secret', async () => {
  using place = new Place();
  writeFileSync(place.at('log'), 'info start\nERROR one 1\nERROR one 2\nwarning low\npassword=hunter2hunter2\n');
  const logs = (grep?: string) =>
    observers.logs({ file: place.at('log'), since: '1h', lines: 100, ...(grep ? { grep } : {}) }, place.observe());
  const report = await logs();
  assert.deepEqual([report.figures.errors, report.figures.warnings, report.figures.lines], [2, 1, 5]);
  assert.match(report.findings[0]?.evidence[0]?.untrusted_output ?? '', /^2 times: ERROR one 2/);
  assert.equal((await logs('hunter2')).figures.lines, 0);
  await assert.rejects(
    observers.logs({ file: '/etc/passwd', since: '1h', lines: 1 }, place.observe()),
    (error) => error instanceof Fault && error.code === 'path_denied',
  );
});

test('when paths are probed, kind and size come, but a hash only below the roots', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'x');
  const state = (path: string) => observers['file.state']({ path }, place.observe());
  assert.equal((await state(place.at('a'))).sha256?.length, 64);
  assert.deepEqual([(await state('/etc/passwd')).kind, (await state('/etc/passwd')).sha256], ['file', null]);
  assert.equal((await state(place.at('none'))).exists, false);
  assert.equal((await state('/tmp')).kind, 'directory');
  assert.ok((await observers['disk.free']({ path: '/' }, place.observe())).bytes_free > 0);
});

test('when a report is put together, it is ranked, redacted, stripped and bounded', () => {
  const report = new Report({ localPolicy: { readRoots: [], writeRoots: [], secretValues: ['own-secret-1'] } });
  report.add({ kind: 'a.calm', severity: 'ok', title: 'Calm.' });
  report.add({
    kind: 'a.bad',
    severity: 'critical',
    title: 'Bad own-secret-1\u001b[31m.',
    evidence: [['x', `token=abcdefabcdef \u202e${'y'.repeat(20_000)}`]],
  });
  for (let number = 0; number < 60; number += 1) report.blind(`Thing ${number}`, 'no rights');
  const done = diagnosticReportSchema.parse(report.finish());
  assert.equal(done.findings[0]?.kind, 'a.bad');
  assert.equal(done.findings[0]?.title, 'Bad [redacted].');
  assert.doesNotMatch(JSON.stringify(done), /own-secret|abcdefabcdef|\\u202e/);
  assert.equal(done.findings[0]?.evidence[0]?.untrusted_output.length, 8000);
  assert.deepEqual([done.findings.length, done.truncated, done.redactions], [50, true, 2]);
});

test('when output of tools is parsed, odd lines do no harm', () => {
  assert.deepEqual(parseDu('10\t/a\0' + '300\t/b\nc\0' + 'nonsense\0'), [
    { path: '/b\nc', bytes: 300 },
    { path: '/a', bytes: 10 },
  ]);
  const top = new TopFolders();
  top.add(Array.from({ length: 30 }, (_, index) => `${index}\t/d${index}\0`).join(''));
  top.add('du: cannot read\n9');
  top.add('9\t/x\0');
  top.add('1\t/tmp/a\n900000\t/var/lib/php/sessions\n\0');
  assert.deepEqual(
    [top.folders.length, top.folders[0], top.folders[19]],
    [20, { path: '/x', entries: 99 }, { path: '/d11', entries: 11 }],
  );
  const ss = [
    'tcp   LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:(("nginx",pid=12,fd=6),("nginx",pid=11,fd=6))',
    'udp   UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*',
    'tcp   LISTEN 3      3               [::]:6379         [::]:*',
    'garbage',
  ].join('\n');
  assert.deepEqual(
    parseListeners(ss).map(({ protocol, address, port, processes }) => [protocol, address, port, processes.length]),
    [
      ['tcp', '0.0.0.0', 80, 2],
      ['udp', '127.0.0.53%lo', 53, 0],
      ['tcp', '[::]', 6379, 0],
    ],
  );
  assert.deepEqual(
    parseJournalLine(
      '{"__REALTIME_TIMESTAMP":"1795187951000000","PRIORITY":"3","MESSAGE":[104,105],"SYSLOG_IDENTIFIER":"x","_SYSTEMD_UNIT":"x.service"}',
    ),
    [{ at: 1_795_187_951_000, level: 3, unit: 'x.service', source: 'x', message: 'hi' }],
  );
  assert.deepEqual(parseJournalLine('{"cut'), []);
});

test('when the kernel or systemd tells of kills for lack of memory, each counts once and names its unit', () => {
  const line = (at: number, message: string, unit: string | null = null) => ({
    at,
    level: 3,
    unit,
    source: 'kernel',
    message,
  });
  const kills = parseKills([
    line(
      1000,
      'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/system.slice/app.service,task_memcg=/system.slice/app.service,task=node,pid=9,uid=0',
    ),
    line(1001, 'Memory cgroup out of memory: Killed process 9 (node) total-vm:1kB'),
    line(1500, 'app.service: A process of this unit has been killed by the OOM killer.', 'app.service'),
    line(90_000, 'Out of memory: Killed process 10 (chrome) total-vm:1kB'),
  ]);
  assert.deepEqual(
    kills.map(({ process: name, unit }) => [name, unit]),
    [
      ['node', 'app.service'],
      ['chrome', null],
    ],
  );
});

test('when nginx complains, place and plain slips are found', () => {
  const [complaint] = parseComplaints(
    'nginx: [emerg] invalid port in "80a" of the "listen" directive in /etc/nginx/sites-enabled/default:3\nnginx: configuration file /etc/nginx/nginx.conf test failed\n',
  );
  assert.deepEqual(complaint, {
    level: 'emerg',
    message: 'invalid port in "80a" of the "listen" directive',
    file: '/etc/nginx/sites-enabled/default',
    line: 3,
  });
  const around = { text: 'upstream backend { server 127.0.0.1:3000; }', file: '/etc/nginx/x' };
  assert.equal(
    valueFor('invalid port in "80a" of the "listen" directive', ['80a', 'default_server'], around),
    '80 default_server',
  );
  assert.equal(valueFor('invalid port in "70000" of the "listen" directive', ['70000'], around), null);
  assert.equal(valueFor('invalid value "onn" in "gzip" directive, it must be "on" or "off"', ['onn'], around), 'on');
  assert.equal(valueFor('host not found in upstream "bakend"', ['http://bakend'], around), 'http://backend');
  assert.equal(valueFor('unknown directive "lissten"', ['80'], around), null);
  assert.deepEqual(
    [closest('of', ['on', 'off']), closest('mime.typs', ['mime.types', 'koi-utf'])],
    [null, 'mime.types'],
  );
});

test('when logs of nginx are read, server errors are counted by path and upstream, in the time asked for', () => {
  assert.equal(accessTime('20/Nov/2026:15:01:02 +0100'), Date.parse('2026-11-20T14:01:02Z'));
  const access = [
    '1.2.3.4 - - [20/Nov/2026:14:01:02 +0000] "GET /a?token=x HTTP/1.1" 502 157 "-" "curl"',
    '1.2.3.4 - - [20/Nov/2026:14:01:03 +0000] "GET /b HTTP/1.1" 200 157 "-" "curl"',
    '1.2.3.4 - - [19/Nov/2026:14:01:03 +0000] "GET /b HTTP/1.1" 500 157 "-" "curl"',
    '1.2.3.4 - - [20/Nov/2026:14:01:04 +0000] "\\x16\\x03" 400 157 "-" "-"',
  ].join('\n');
  assert.deepEqual(readAccessLog(access, Date.parse('2026-11-20T14:00:00Z')), {
    requests: 3,
    serverErrors: 1,
    gatewayErrors: 1,
    worstPaths: [{ path: '/a', errors: 1 }],
  });
  const now = new Date();
  const pad = (number: number) => String(number).padStart(2, '0');
  const stamp = `${now.getFullYear()}/${pad(now.getMonth() + 1)}/${pad(now.getDate())} ${pad(now.getHours())}:${pad(now.getMinutes())}:${pad(now.getSeconds())}`;
  const errors = `${stamp} [error] 1#1: *1 connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://127.0.0.1:8080/a"\n2020/01/01 00:00:00 [error] old`;
  const [first] = readUpstreamErrors(recentErrorLines(errors, Date.now() - 60_000));
  assert.deepEqual(
    [first?.upstream, first?.times, first?.reason],
    ['http://127.0.0.1:8080', 1, 'refuses connections: nobody listens there'],
  );
});

test('when texts differ, applying their diff by eye is possible: only changed lines with three around them', () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
  const after = before.replace('line 10', 'ten').replace('line 11\n', '').replace('line 25', 'line 25\nnew');
  assert.equal(
    unifiedDiff('/a', `${before}\n`, `${after}\n`),
    '--- /a\n+++ /a\n@@ -8,8 +8,7 @@\n line 7\n line 8\n line 9\n-line 10\n-line 11\n+ten\n line 12\n line 13\n line 14\n@@ -24,6 +23,7 @@\n line 23\n line 24\n line 25\n+new\n line 26\n line 27\n line 28\n',
  );
  assert.equal(
    unifiedDiff('/a', null, 'x'),
    '--- /dev/null\n+++ /a\n@@ -0,0 +1,1 @@\n+x\n\\ No newline at end of file\n',
  );
  assert.equal(unifiedDiff('/a', 'x', 'x'), '');
  const large = Array.from({ length: 20_000 }, (_, index) => `${index}`).join('\n');
  assert.ok(unifiedDiff('/a', large, large.replaceAll('1', 'one')).length > 1000);
});

test('when bytes are said, they are said as disks are sold', () => {
  assert.deepEqual([0, 999, 1000, 812_000_000, 1_540_000_000_000].map(sayBytes), [
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '812 MB',
    '1.5 TB',
  ]);
});

test('when the table of diagnostics grows, each has an observer', () => {
  assert.deepEqual(
    diagnosticIds.filter((id) => !(id in observers)),
    [],
  );
});
