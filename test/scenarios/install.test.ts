/** The install script on a real server: dry run, install, what it may not do, upgrade in place, uninstall without a trace. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { approver, lockOf } from '../../protocol/test/approvers.ts';
import { bootHost, type Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { serverOnline } from '../world/install-agent.ts';
import { startWorld, type World } from '../world/world.ts';

let host: Host;
let world: World;
let server: { id: string };
let command: string;
let token: string;

before(async () => {
  if (whyNoHosts()) return;
  host = await bootHost({ name: 'fresh' });
  world = await startWorld({ host: host.gateway, ownPackage: true });
  ({ server, install_command: command, enrolment_token: token } = await world.owner('addServer', { name: 'fresh' }));
});

after(async () => {
  await world?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const run = (line: string) => host.exec(['sh', '-c', line], { timeoutMs: 240_000, okCodes: 'any' });

const lock = lockOf([approver('Ada'), approver('Bob')], { high: 2 });

/** Everything that an installation could leave behind. */
async function traces(): Promise<string> {
  const { stdout } = await run(
    [
      'ls -d /opt/countersign /etc/countersign /var/lib/countersign /run/countersign 2>/dev/null',
      'ls -d /etc/systemd/system/*countersign* /etc/systemd/system/*/*countersign* 2>/dev/null',
      'grep -s countersign /etc/passwd /etc/group /etc/shadow',
      'systemctl list-units --all --plain --no-legend "countersign*"',
      'ps -eo args | grep "[/]opt/countersign/"',
      'true',
    ].join('; '),
  );
  return stdout.trim();
}

hostTest('when the script runs dry, it says what it would do and changes nothing', async () => {
  const dry = await run(`${command} --dry-run`);
  assert.equal(dry.exitCode, 0, dry.stderr);
  assert.match(dry.stdout, /Would install/);
  assert.match(dry.stdout, /Nothing was changed/);
  assert.equal(await traces(), '');
});

hostTest('T1: when a lock is given that nobody could open, the script says why and changes nothing', async () => {
  await host.writeFile('/root/bad.json', JSON.stringify({ ...lock, signatures: { ...lock.signatures, high: 3 } }));
  const refused = await run(`${command} --lock-keys /root/bad.json`);
  assert.equal(refused.exitCode, 1, refused.stdout);
  assert.match(refused.stderr, /it asks for 3 holders and names 2[\s\S]*nothing was changed/);
  await host.writeFile('/root/lock.json', JSON.stringify(lock));
  const dry = await run(`${command} --lock-keys /root/lock.json --dry-run`);
  assert.equal(dry.exitCode, 0, dry.stderr);
  assert.match(dry.stdout, /the lock of \/root\/lock\.json/);
  assert.equal(await traces(), '');
});

hostTest('when an option or value is wrong, the script says which and changes nothing', async () => {
  for (const [line, says] of [
    [`${command} --no-such-option`, /no option --no-such-option/],
    [command.replace(/ed25519:\S+/, 'ed25519:x.y'), /cp-key/],
    ...[
      'http://192.0.2.1:7070',
      'http://localhost.example.org',
      'http://127.0.0.1@example.org',
      'http://127.example.org',
    ].map((url) => [command.replace(/--url \S+/, `--url ${url}`), /plain http/] as const),
    [command.replace(/--token \S+/, '--token-file /nowhere'), /cannot read/],
    [`${command} --lock-keys /nowhere`, /cannot read the lock file/],
  ] as const) {
    const { exitCode, stderr } = await run(line);
    assert.equal(exitCode, 1, line);
    assert.match(stderr, says);
  }
  assert.equal(await traces(), '');
});

hostTest('when the key of the control plane is another one than pinned, the download is refused', async () => {
  const pin = /sha256\/\/[A-Za-z0-9+/=]+/.exec(command)?.[0] ?? '';
  const wrong = `sha256//${Buffer.alloc(32, 7).toString('base64')}`;
  // Of a pipe only the end is told: the shell gets an empty script and does nothing.
  const { stderr } = await run(command.split(pin).join(wrong));
  assert.match(stderr, /curl: \(90\)/);
  assert.equal(await traces(), '');
});

hostTest('when the command is pasted, the server turns green and the ladder shows each rung', async () => {
  const file = command.replace(`--token ${token}`, '--token-file /root/token');
  assert.notEqual(file, command);
  await host.writeFile('/root/token', `${token}\n`, '0600');
  const { exitCode, stdout, stderr } = await run(file);
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /green/);
  await serverOnline(world, server.id);
  const ladder = await world.owner('getEnrolment', { server: server.id });
  assert.equal(ladder.state, 'ready');
  const { facts, policy } = await world.owner('getServerStatus', { server: server.id });
  assert.equal(facts?.hostname, 'fresh');
  assert.equal(facts?.systemd, true);
  assert.equal(policy?.mode, 'act');
});

hostTest('when the same command is pasted again, it upgrades in place although its token is used', async () => {
  const before = (await run('cat /var/lib/countersign/link/key.json')).stdout;
  const { exitCode, stdout, stderr } = await run(command);
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /enrolled already/);
  assert.equal((await run('cat /var/lib/countersign/link/key.json')).stdout, before);
  await serverOnline(world, server.id);
});

hostTest('when a used token is brought by another server, it is refused and nothing runs there', async () => {
  await using other = await bootHost({ name: 'other' });
  const { exitCode, stderr } = await other.exec(['sh', '-c', command], { timeoutMs: 240_000, okCodes: 'any' });
  assert.equal(exitCode, 1, stderr);
  assert.match(stderr, /token/);
  await serverOnline(world, server.id);
});

hostTest('when the units are looked at, the link has no rights and hardly any exposure', async () => {
  const { stdout } = await run('systemd-analyze security countersign-link.service --no-pager | tail -n 1');
  const exposure = Number(/([\d.]+) (?:OK|SAFE|MEDIUM|UNSAFE|EXPOSED)/.exec(stdout)?.[1]);
  assert.ok(exposure < 2, stdout);
  const { stdout: user } = await run('ps -o user= -p "$(systemctl show -p MainPID --value countersign-link)"');
  assert.match(user.trim(), /^counter/);
  const modes = (
    await run(
      'stat -c "%a %U %n" /etc/countersign/policy.yaml /etc/countersign/agent.yaml /var/lib/countersign/link/key.json /var/lib/countersign/runner /run/countersign/runner.sock',
    )
  ).stdout;
  assert.match(modes, /644 root .*policy\.yaml/);
  assert.match(modes, /640 root .*agent\.yaml/);
  assert.match(modes, /600 countersign .*key\.json/);
  assert.match(modes, /700 root .*runner/);
  assert.match(modes, /660 root .*runner\.sock/);
});

hostTest('when the command runs again without a token, it upgrades in place and keeps key and policy', async () => {
  const before = (await run('cat /var/lib/countersign/link/key.json; cat /etc/countersign/policy.yaml')).stdout;
  const { exitCode, stdout, stderr } = await run(command.replace(/--token \S+ ?/, ''));
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
  assert.equal((await run('cat /var/lib/countersign/link/key.json; cat /etc/countersign/policy.yaml')).stdout, before);
  await serverOnline(world, server.id);
});

hostTest(
  'T1: when it is run again with lock keys, the server is locked, keeps its policy, and takes no other lock',
  async () => {
    const upgrade = command.replace(/--token \S+ ?/, '');
    const before = (await run('cat /etc/countersign/policy.yaml')).stdout;
    const { exitCode, stdout, stderr } = await run(`${upgrade} --lock-keys /root/lock.json`);
    assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
    const policy = (await run('cat /etc/countersign/policy.yaml; stat -c "%a %U" /etc/countersign/policy.yaml')).stdout;
    assert.ok(policy.startsWith(before.trimEnd()), policy);
    assert.match(policy, /644 root/);
    await eventually('the server to tell its lock', async () => {
      const status = await world.owner('getServerStatus', { server: server.id });
      return status.policy?.lock?.chain === lock.chain;
    });
    const shown = (await run('/opt/countersign/current/bin/countersign-agent lock')).stdout;
    assert.match(shown, /^locked: changes need the signature of Ada or Bob[\s\S]*high 2/);
    await host.writeFile('/root/other.json', JSON.stringify({ ...lock, chain: 'lck_00000000000x' }));
    const refused = await run(`${upgrade} --lock-keys /root/other.json`);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /pins another lock already[\s\S]*--replace[\s\S]*nothing was changed/);
  },
);

hostTest('when the server reboots, the agent comes back by itself', async () => {
  const status = () => world.owner('getServerStatus', { server: server.id });
  const before = (await status()).facts?.bootId;
  await host.reboot();
  await eventually('the server to be back, and to tell of another boot', async () => {
    const { state, facts } = await status();
    return state === 'online' && facts?.bootId !== before;
  });
});

hostTest('when it is uninstalled, nothing is left', async () => {
  const { exitCode, stderr } = await run('/opt/countersign/current/install.sh --uninstall');
  assert.equal(exitCode, 0, stderr);
  assert.equal(await traces(), '');
  await eventually(
    'the server to be offline',
    async () => (await world.owner('getServerStatus', { server: server.id })).state === 'offline',
  );
});

hostTest('when it is installed for reading only, no change is even asked for', async () => {
  const { install_command: anew } = await world.owner('renewEnrolment', { server: server.id });
  const { exitCode, stderr } = await run(`${anew} --read-only`);
  assert.equal(exitCode, 0, stderr);
  await serverOnline(world, server.id);
  await assert.rejects(
    world.owner('runPlaybook', { server: 'fresh', playbook: 'service.restart', parameters: { unit: 'cron' } }),
    { code: 'server_observe_only' },
  );
});
