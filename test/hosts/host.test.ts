import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { bootHost, type Host } from './host.ts';
import { buildImage } from './image.ts';
import { hostTest } from './requirements.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

async function status(url: string): Promise<number | undefined> {
  const [response] = await once(get(url, { agent: false }), 'response');
  response.resume();
  return response.statusCode;
}

async function bootId(host: Host): Promise<string> {
  return (await host.readFile(BOOT_ID)).trim();
}

/** A web server on this side at the host's gateway address, which counts nothing and answers everything. */
async function listenFor(host: Host): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const server = createServer((_request, response) => response.end('from outside'));
  await once(server.listen(0, host.gateway), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    url: `http://${host.gateway}:${address.port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

hostTest(
  'when a host is booted, its own systemd is up with its services within twenty seconds, also on a busy machine',
  async () => {
    await buildImage();
    const began = performance.now();
    await using host = await bootHost({ name: 'web-1' });
    assert.ok(performance.now() - began < 20_000);
    assert.equal((await host.exec(['systemctl', 'is-system-running'])).stdout, 'running\n');
    assert.equal(
      (await host.exec(['systemctl', 'is-active', 'nginx', 'ssh', 'cron'])).stdout,
      'active\nactive\nactive\n',
    );
    assert.equal((await host.exec(['cat', '/proc/1/comm'])).stdout, 'systemd\n');
    assert.equal((await host.exec(['hostname'])).stdout, 'web-1\n');
    assert.match(await host.logs('nginx.service'), /Started nginx\.service/);
  },
);

hostTest('when a transient unit has the name already, systemd-run refuses the second', async () => {
  await using host = await bootHost();
  const argv = ['systemd-run', '--quiet', '--unit', 'countersign-a1-s1', 'sleep', 'infinity'];
  await host.exec(argv);
  const second = await host.exec(argv, { okCodes: 'any' });
  assert.notEqual(second.exitCode, 0);
  assert.match(second.stderr, /already loaded or has a fragment file/);
});

hostTest('when a host runs, each side reaches the other by HTTP and the host reaches nothing else', async () => {
  await using host = await bootHost();
  await using server = await listenFor(host);
  assert.equal(await status(`http://${host.address}/`), 200);
  assert.equal((await host.exec(['curl', '--silent', '--max-time', '5', server.url])).stdout, 'from outside');
  const beyond = await host.exec(['curl', '--silent', '--max-time', '1', 'http://198.51.100.1/'], { okCodes: [7, 28] });
  assert.equal(beyond.stdout, '');
});

hostTest('when two hosts run, what happens on one does not happen on the other', async () => {
  const [one, two] = await Promise.all([bootHost({ name: 'one' }), bootHost({ name: 'two' })]);
  await using _one = one;
  await using _two = two;
  assert.notEqual(one.address, two.address);
  await one.exec(['systemctl', 'kill', '--signal=KILL', 'nginx']);
  await one.exec(['systemctl', 'stop', 'nginx']);
  await one.writeFile('/etc/only-here', '');
  await assert.rejects(status(`http://${one.address}/`), { code: 'ECONNREFUSED' });
  assert.equal(await status(`http://${two.address}/`), 200);
  assert.equal((await two.exec(['ls', '/etc/only-here'], { okCodes: 'any' })).exitCode, 2);
  assert.notEqual(await one.readFile('/etc/machine-id'), await two.readFile('/etc/machine-id'));
});

for (const abrupt of [false, true]) {
  const how = abrupt ? 'loses power and gets it back' : 'is rebooted';
  hostTest(`when a host ${how}, its disk stays, /run does not, and it has a new boot id`, async () => {
    await using host = await bootHost();
    await using server = await listenFor(host);
    const before = await bootId(host);
    await host.writeFile('/var/lib/thing/kept', 'kept');
    await host.writeFile('/run/lost', 'lost');
    await host.exec(['systemd-run', '--quiet', '--unit', 'long', 'sleep', 'infinity']);
    await host.reboot({ abrupt });
    assert.notEqual(await bootId(host), before);
    assert.equal(await host.readFile('/var/lib/thing/kept'), 'kept');
    await assert.rejects(host.readFile('/run/lost'), /No such file/);
    assert.equal((await host.exec(['systemctl', 'is-active', 'long'], { okCodes: 'any' })).stdout, 'inactive\n');
    assert.equal(await status(`http://${host.address}/`), 200);
    assert.equal((await host.exec(['curl', '--silent', '--max-time', '5', server.url])).stdout, 'from outside');
    assert.match((await host.exec(['journalctl', '--list-boots'])).stdout, new RegExp(before.replaceAll('-', '')));
  });
}

hostTest(
  'when a hardened unit reads the boot id file it sees the machine’s, and %b in its unit gives the host’s',
  async () => {
    await using host = await bootHost();
    const unit = [
      '[Service]',
      'Type=oneshot',
      'ProtectKernelTunables=yes',
      'Environment=BOOT=%b',
      'StandardOutput=append:/tmp/seen',
    ];
    await host.writeFile(
      '/etc/systemd/system/look.service',
      `${[...unit, `ExecStart=cat ${BOOT_ID}`, 'ExecStart=printenv BOOT'].join('\n')}\n`,
    );
    await host.exec(['systemctl', 'start', 'look.service']);
    const machine = await readFile(BOOT_ID, 'utf8');
    assert.equal(await host.readFile('/tmp/seen'), `${machine}${(await bootId(host)).replaceAll('-', '')}\n`);
  },
);

hostTest('when a host changes kernel settings, only those of its own network can be changed', async () => {
  await using host = await bootHost();
  await host.exec(['sysctl', '-w', 'net.ipv4.ip_forward=1']);
  const result = await host.exec(['sysctl', '-w', 'vm.swappiness=1'], { okCodes: 'any' });
  assert.match(result.stderr, /permission denied/);
});

hostTest('when a host’s disk is full, writing to it fails as on a real one', async () => {
  await using host = await bootHost({ diskMiB: 64 });
  const fill = await host.exec(['dd', 'if=/dev/zero', 'of=/var/tmp/fill', 'bs=1M'], { okCodes: [1] });
  assert.match(fill.stderr, /No space left on device/);
  assert.match((await host.exec(['df', '--output=pcent', '/'])).stdout, /100%/);
});

hostTest('when a host is powered off from inside, commands say that it is off', async () => {
  await using host = await bootHost({ name: 'gone' });
  await host.exec(['systemctl', 'poweroff'], { okCodes: 'any' });
  const off = async () =>
    (await host.exec(['true'], { okCodes: 'any' }).catch((error: Error) => error)) instanceof Error;
  await host.waitFor(off, { timeoutMs: 20_000 });
  await assert.rejects(host.exec(['true']), /gone is off: it was powered off/);
});

hostTest('when a command is run inside, its input, environment, output and exit code come through', async () => {
  await using host = await bootHost();
  const echo = await host.exec(['sh', '-c', 'cat; echo "$WORD $HOME" >&2; exit 3'], {
    input: 'bytes in',
    env: { WORD: 'said' },
    okCodes: [3],
  });
  assert.deepEqual(echo, { exitCode: 3, stdout: 'bytes in', stderr: 'said /root\n' });
  await assert.rejects(host.exec(['false']), /exit code 1/);
  await assert.rejects(host.exec(['sleep', 'infinity'], { timeoutMs: 100 }), /not done after 100 ms/);
  await host.waitFor(['sh', '-c', '! pgrep --exact sleep'], { what: 'it was killed inside' });
  assert.equal((await host.exec(['grep', '^0:', '/proc/self/cgroup'])).stdout, '0::/init.scope\n');
});

hostTest('when a file is written inside, it has the content and the mode asked for', async () => {
  await using host = await bootHost();
  await host.writeFile('/opt/new folder/secret', 'línea\n', '0600');
  assert.equal(await host.readFile('/opt/new folder/secret'), 'línea\n');
  assert.equal((await host.exec(['stat', '--format=%a', '/opt/new folder/secret'])).stdout, '600\n');
});

hostTest('when what is waited for does not come, the error names it and what was seen last', async () => {
  await using host = await bootHost();
  await host.exec([
    'systemd-run',
    '--quiet',
    '--on-active=300ms',
    '--timer-property=AccuracySec=10ms',
    'touch',
    '/run/came',
  ]);
  await host.waitFor(['test', '-e', '/run/came']);
  const never = host.waitFor(['cat', '/run/never'], { timeoutMs: 200 });
  await assert.rejects(never, /not within 200 ms: cat \/run\/never: .*No such file/);
});
