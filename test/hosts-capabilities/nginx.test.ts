import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import type { RememberedStep } from '@countersign/agent/capabilities/capability';
import type { DiagnosticReport, StepResult } from '@countersign/protocol';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { DrivenHost, granted, nextAction } from './driven-host.ts';

const SITE = '/etc/nginx/sites-enabled/default';
const site = (listen: string, more = '') =>
  `# the shop\nupstream backend { server 127.0.0.1:3000; }\nserver {\n    listen ${listen};\n    server_name _;\n    location / { return 200 "hello"; }\n    ${more}\n}\n`;
const URL_80 = 'http://127.0.0.1/';
const UNIT = { unit: 'nginx.service' };

let driven: DrivenHost;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  driven = await DrivenHost.boot('nginx');
  await driven.host.exec(['rm', '-f', SITE]);
});
after(async () => driven?.[Symbol.asyncDispose]());
beforeEach(async () => {
  if (driven === undefined) return;
  await driven.host.writeFile(SITE, site('80'));
  await driven.host.exec(
    ['sh', '-c', 'truncate -s 0 /var/log/nginx/*.log; systemctl reset-failed nginx; systemctl restart nginx'],
    { okCodes: 'any' },
  );
});

const find = (report: DiagnosticReport, kind: string) => report.findings.find((finding) => finding.kind === kind);
const status = async () => (await driven.observe('http.probe', { url: URL_80 })).status;
const breakIt = async (text: string) => {
  await driven.host.writeFile(SITE, text);
  await driven.host.exec(['systemctl', 'restart', 'nginx'], { okCodes: 'any' });
};

hostTest('when nginx is well, its diagnosis is calm', async () => {
  const report = await driven.observe('nginx');
  assert.equal(report.findings[0]?.kind, 'nginx.calm', JSON.stringify(report.findings));
  assert.deepEqual([report.figures.config_valid, report.figures.running], [true, true]);
  assert.equal(await status(), 200);
  assert.deepEqual((await driven.observe('nginx.test')).valid, true);
});

hostTest(
  'when a port has a slip, the diagnosis names the line, and carrying out its suggestion brings the site back',
  async () => {
    await breakIt(site('80a'));
    assert.equal(await status(), 0);
    const report = await driven.observe('nginx');
    const invalid = find(report, 'nginx.config_invalid');
    assert.equal(invalid?.severity, 'critical');
    assert.match(invalid?.title ?? '', /refuses its configuration at \/etc\/nginx\/sites-enabled\/default:4\./);
    assert.match(
      invalid?.evidence.map((piece) => piece.untrusted_output).join('\n') ?? '',
      /host not found in "80a"[\s\S]*> {4}4 {6}listen 80a;/,
    );
    assert.ok(find(report, 'nginx.not_running'));
    const parameters = invalid?.suggestions[0]?.parameters ?? {};
    assert.deepEqual(
      [parameters.path, parameters.section, parameters.key, parameters.value, parameters.unit],
      [SITE, 'server', 'listen', '80', 'nginx.service'],
    );

    const { unit: _, ...setKey } = parameters;
    const preview = granted(await driven.change('preview', 'config.set_key', setKey)) as {
      preview: { argv: string[][]; diff: string; effects: string[] };
    };
    assert.match(preview.preview.diff, /- {4}listen 80a;\n\+ {4}listen 80;/);
    assert.deepEqual(preview.preview.argv, [['nginx', '-t']]);
    assert.match(preview.preview.effects.join(' '), /It refuses what is there now: host not found/);
    const actionId = nextAction();
    granted((await driven.run('config.set_key', setKey, { actionId, step: 'set' })).result);
    const { result } = await driven.run('unit.reload_or_restart', UNIT, { actionId, step: 'reload' });
    assert.equal((result.value as StepResult).exit_code, 0);
    assert.equal(await status(), 200);
  },
);

hostTest('when the diagnosis cannot tell what was meant, it says what to set or how to mend the file', async () => {
  await breakIt(site('70000'));
  const suggestion = find(await driven.observe('nginx'), 'nginx.config_invalid')?.suggestions[0];
  assert.deepEqual([suggestion?.parameters.key, 'value' in (suggestion?.parameters ?? {})], ['listen', false]);
  await breakIt(site('80', 'lissten 81;'));
  const unknown = find(await driven.observe('nginx'), 'nginx.config_invalid');
  assert.deepEqual(unknown?.suggestions, []);
  assert.match(unknown?.causes.join(' ') ?? '', /write_file/);
  await breakIt(site('80', 'location /api { proxy_pass http://bakend; }'));
  const upstream = find(await driven.observe('nginx'), 'nginx.config_invalid')?.suggestions[0];
  assert.deepEqual(
    [upstream?.parameters.section, upstream?.parameters.key, upstream?.parameters.value],
    ['server.location[2]', 'proxy_pass', 'http://backend'],
  );
});

hostTest('when a new content is refused by nginx -t, the former one is back before the step fails', async () => {
  const wrong = { path: SITE, format: 'nginx', section: 'server', key: 'listen', value: '80a', validator: 'nginx' };
  const { result } = await driven.run('config.set_key', wrong);
  assert.equal(result.fault?.code, 'validator_failed');
  assert.match(result.fault?.message ?? '', /host not found in "80a" of the "listen" directive in .*default:4/);
  assert.equal(await driven.host.readFile(SITE), site('80'));
  assert.equal((await driven.host.exec(['ls', '-A', '/etc/nginx/sites-enabled'])).stdout, 'default\n');
  const missing = granted(await driven.change('preview', 'config.set_key', { ...wrong, validator: 'sshd' }));
  assert.ok(missing);
});

hostTest('when a change is taken back, the file and the running configuration are what they were', async () => {
  const actionId = nextAction();
  const set = { path: SITE, format: 'nginx', section: 'server', key: 'listen', value: '8081', validator: 'nginx' };
  const first = await driven.run('config.set_key', set, { actionId, step: 'set' });
  const second = await driven.run('unit.reload_or_restart', UNIT, { actionId, step: 'reload' });
  granted(second.result);
  await driven.host.waitFor(async () => (await status()) === 0, { what: 'port 80 is closed' });
  await takeBack(actionId, [first.earlier, second.earlier]);
  assert.equal(await driven.host.readFile(SITE), site('80'));
  await driven.host.waitFor(async () => (await status()) === 200, { what: 'port 80 answers' });
});

hostTest('when the unit was down before the change, taking back leaves it down with the file as it was', async () => {
  await breakIt(site('80a'));
  const actionId = nextAction();
  const set = { path: SITE, format: 'nginx', section: 'server', key: 'listen', value: '8081', validator: 'nginx' };
  const first = await driven.run('config.set_key', set, { actionId, step: 'set' });
  const second = await driven.run('unit.reload_or_restart', UNIT, { actionId, step: 'reload' });
  granted(second.result);
  assert.equal((await driven.observe('unit.state', UNIT)).active_state, 'active');
  await takeBack(actionId, [first.earlier, second.earlier]);
  assert.equal(await driven.host.readFile(SITE), site('80a'));
  assert.notEqual((await driven.observe('unit.state', UNIT)).active_state, 'active');
});

hostTest('when nginx is stopped with a valid configuration, starting it is suggested', async () => {
  await driven.host.exec(['systemctl', 'stop', 'nginx']);
  const report = await driven.observe('nginx');
  assert.deepEqual(find(report, 'nginx.not_running')?.suggestions[0]?.parameters, { unit: 'nginx.service' });
  const ports = await driven.observe('network_ports', { port: 80 });
  assert.equal(ports.findings[0]?.kind, 'network.port_closed');
});

hostTest('when an upstream refuses connections, it is named, and so are the server errors', async () => {
  await breakIt(site('80', 'location /api { proxy_pass http://backend; }'));
  for (let times = 0; times < 3; times += 1)
    assert.equal((await driven.observe('http.probe', { url: 'http://127.0.0.1/api?token=x' })).status, 502);
  // nginx answers first and writes of it afterwards.
  await driven.host.waitFor(['sh', '-c', 'test "$(grep -c /api /var/log/nginx/access.log)" = 3']);
  const report = await driven.observe('nginx');
  assert.match(find(report, 'nginx.upstream_errors')?.title ?? '', /^http:\/\/127\.0\.0\.1:3000 refuses connections/);
  assert.match(find(report, 'nginx.server_errors')?.title ?? '', /^3 of 3 requests .* 3 of them with 502/);
});

hostTest('when the configuration was changed but not read, a safe reload is suggested', async () => {
  await driven.host.exec(['sleep', '2']);
  await driven.host.writeFile(SITE, site('80', '# new'));
  const stale = find(await driven.observe('nginx'), 'nginx.config_not_loaded');
  assert.equal(stale?.suggestions[0]?.playbook, 'nginx.reload_safe');
  await driven.host.exec(['systemctl', 'reload', 'nginx']);
  await driven.host.waitFor(async () => find(await driven.observe('nginx'), 'nginx.config_not_loaded') === undefined, {
    what: 'the reload is seen',
  });
});

hostTest(
  'when the runner has no network of its own, probes, ports and nginx -t still see that of the server',
  async () => {
    const apart = { privateNetwork: true };
    assert.equal((await driven.observe('http.probe', { url: URL_80 }, apart)).status, 200);
    assert.equal((await driven.observe('tcp.probe', { port: 80 }, apart)).open, true);
    const ports = await driven.observe('network_ports', { port: 80 }, apart);
    assert.equal(ports.figures.port_open, true);
    assert.match(
      ports.findings.flatMap(({ evidence }) => evidence.map((piece) => piece.untrusted_output)).join('\n'),
      /0\.0\.0\.0:80 +nginx \(process \d+, nginx\.service\)/,
    );
    assert.equal((await driven.observe('nginx', {}, apart)).findings[0]?.severity, 'ok');
  },
);

hostTest('when deleted files are held open and the disk fills up, disk names the unit and the folder', async () => {
  const hog =
    '[Service]\nExecStart=/bin/sh -c "exec 3>/var/tmp/held.log; head -c 60000000 /dev/zero >&3; rm /var/tmp/held.log; exec sleep 1000"\n';
  await driven.host.writeFile('/etc/systemd/system/hog.service', hog);
  await driven.host.exec(['systemctl', 'daemon-reload']);
  await driven.host.exec(['systemctl', 'start', 'hog']);
  await driven.host.waitFor(['pgrep', '-x', 'sleep']);
  await driven.host.exec([
    'sh',
    '-c',
    'mkdir -p /srv/releases/old && head -c 300000000 /dev/zero >/srv/releases/old/image',
  ]);
  const report = await driven.observe('disk', { path: '/' });
  const deleted = find(report, 'disk.deleted_open');
  assert.match(deleted?.title ?? '', /held\.log, which hog\.service still has open/);
  assert.deepEqual(deleted?.suggestions[0]?.parameters, { unit: 'hog.service' });
  assert.match(
    find(report, 'disk.biggest_folders')?.evidence[0]?.untrusted_output ?? '',
    /300 MB {2}\/srv\/releases\/old/,
  );
  await driven.host.exec(['systemctl', 'stop', 'hog']);
});

async function takeBack(actionId: string, earlier: RememberedStep[]): Promise<void> {
  for (const [capability, parameters, step] of [
    ['file.restore', { path: SITE }, 'restore'],
    ['unit.restore', UNIT, 'return'],
  ] as const) {
    const options = { actionId, step, earlier };
    const memory = (await driven.change('remember', capability, parameters, options)).value as never;
    const result = granted(
      await driven.change('perform', capability, parameters, { ...options, memory }),
    ) as StepResult;
    assert.ok(result.exit_code === 0 || result.exit_code === null, result.summary);
  }
}
