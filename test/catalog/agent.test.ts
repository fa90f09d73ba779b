import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { serverOnline } from '../world/install-agent.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { carryOut, prove } from './prove.ts';
import { serveSpoiled } from './spoiled-package.ts';

/** A host of its own: what these rows break is the agent itself. */
let ground: Ground;
/** The version that the control plane serves, and that was installed from it. */
let served: string;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('agent', { policy: `${OPEN_POLICY}agent_changes: true\n` });
  served = await versionOn(ground.host);
});
after(async () => {
  await ground?.[Symbol.asyncDispose]();
});

const OLD = '0.0.9';
const sh = (host: Host, line: string) => host.exec(['sh', '-c', line], { timeoutMs: 60_000 });
const versionOn = async (host: Host) =>
  (await sh(host, 'basename "$(readlink /opt/countersign/current)"')).stdout.trim();

/** Has the host run the version before: the same programs under another name, an older one unless told. */
async function runOld(host: Host, old = OLD): Promise<void> {
  const versions = '/opt/countersign/versions';
  // By links: a version is replaced as a whole, and never written to.
  await sh(host, `test -e ${versions}/${old} || cp -al "$(readlink -f /opt/countersign/current)" ${versions}/${old}`);
  await sh(host, `${versions}/${old}/install.sh --switch --version ${old}`);
  await settled(host, old);
}

/** Runner and link are of a version, and the link is connected. */
async function settled(host: Host, version: string): Promise<void> {
  // The switch has the runner started anew without waiting for it, and the one before may take its time to end.
  const runner = '/proc/$(systemctl show -p MainPID --value countersign-runner)/exe';
  const isNew = `test ! -e ${runner} || readlink ${runner} | grep -q /versions/${version}/bin/node`;
  await host.waitFor(['sh', '-c', `test -z "$(systemctl list-jobs --no-legend 'countersign-*')" && { ${isNew}; }`], {
    timeoutMs: 60_000,
  });
  await sh(host, 'exec /opt/countersign/current/bin/countersign-agent status --wait 45');
  assert.equal(await versionOn(host), version);
  const pid = '"$(systemctl show -p MainPID --value countersign-link)"';
  assert.match((await sh(host, `readlink /proc/${pid}/exe`)).stdout, new RegExp(`/versions/${version}/bin/node`));
  await serverOnline(ground.world, ground.server);
}

async function nothingArmed(host: Host): Promise<void> {
  const left = await sh(
    host,
    'ls /etc/systemd/system | grep countersign-back; systemctl list-timers --all | grep countersign; true',
  );
  assert.equal(left.stdout, '');
}

/** How a timer stands that would come after a time: `30s`, as systemd says it. */
const stands = (after: string) => new RegExp(`^(?=.*OnActiveUSec=${after}\\b)(?=.*ActiveState=active)`, 's');
/** Has a timer that stands come now, and whenever it is armed again until {@link comesInTime}. Returns how it stood. */
async function comesNow(host: Host, timer: string): Promise<string> {
  const { stdout } = await host.exec(['systemctl', 'show', '--property=ActiveState,TimersMonotonic', timer]);
  await host.writeFile(`/run/systemd/system/${timer}.d/now.conf`, '[Timer]\nOnActiveSec=\nOnActiveSec=1s\n');
  await host.exec(['systemctl', 'daemon-reload']);
  return stdout;
}
const comesInTime = (host: Host, timer: string) =>
  sh(host, `rm -rf /run/systemd/system/${timer}.d && systemctl daemon-reload`);

/** What the diagnostic offers: the parameters of `agent.update`. */
async function offered(): Promise<Record<string, string>> {
  const { assistant, name } = ground;
  const { findings } = await assistant('runDiagnostic', { server: name, diagnostics: ['agent'] });
  const all = findings.flatMap(({ suggestions }) => suggestions);
  return (all.find(({ playbook }) => playbook === 'agent.update')?.parameters ??
    assert.fail(JSON.stringify(findings))) as Record<string, string>;
}

let serveGood: () => Promise<void>;

prove(() => ground, {
  playbook: 'agent.update',
  when: 'the control plane offers a newer agent',
  breakIt: runOld,
  sees: { diagnostic: 'agent', kind: 'agent.outdated' },
  parameters: { watch: '1s' },
  async mended(host) {
    await settled(host, served);
    await nothingArmed(host);
    const { agent_version: told } = await ground.world.owner('getServerStatus', { server: ground.server });
    assert.equal(told, served);
  },
  spoil: {
    how: 'the link of the new one dies for good as soon as it was kept',
    async breakIt(host) {
      await runOld(host);
      const armed = '/etc/systemd/system/countersign-back.timer';
      serveGood = await serveSpoiled(
        ground.world,
        `case $1 in link) test -e ${armed} || exit 1; (while test -e ${armed}; do sleep 0.1; done; kill $$) & ;; esac`,
      );
    },
    parameters: 'seen',
    watch: '20s',
    undo: 'done',
    async undone(host) {
      await settled(host, OLD);
      await nothingArmed(host);
    },
  },
  clear: async () => serveGood?.(),
  boundMs: 120_000,
});

/** Asks for the update to a package whose program begins with this line, and returns how it failed. */
async function failedUpdate(
  line: string,
  back_after: string,
  meanwhile: (host: Host) => Promise<unknown> = async () => undefined,
) {
  const { host } = ground;
  await runOld(host);
  const good = await serveSpoiled(ground.world, line);
  try {
    const parameters = { ...(await offered()), watch: '1s', back_after };
    const [failed] = await Promise.all([
      carryOut(ground, { playbook: 'agent.update', boundMs: 150_000 }, parameters),
      eventually('the switch', async () => (await versionOn(host)) === served, { timeoutMs: 120_000 }).then(() =>
        meanwhile(host),
      ),
    ]);
    const said = `${JSON.stringify(failed.result)}\n${failed.untrusted_output}`;
    assert.deepEqual([failed.state, failed.result?.undo.state], ['failed', 'done'], said);
    await settled(host, OLD);
    await nothingArmed(host);
    return failed.result?.summary ?? '';
  } finally {
    await comesInTime(host, 'countersign-back.timer');
    await good();
  }
}

hostTest(
  'T23, F6: when neither link nor runner of the new version start, and the server reboots, its timer puts the one before back',
  async () => {
    const boot = () => sh(ground.host, 'cat /proc/sys/kernel/random/boot_id');
    const before = (await boot()).stdout;
    // Long enough to be met standing however slow the reboot is; then it is made to come.
    const said = await failedUpdate('case $1 in link|runner) exit 1 ;; esac', '5m', async (host) => {
      await host.reboot();
      assert.match(await comesNow(host, 'countersign-back.timer'), stands('5min'));
    });
    assert.notEqual((await boot()).stdout, before);
    assert.match(said, /the server went back by itself/);
  },
);

hostTest(
  'T23: when only the link of the new version cannot connect, its runner goes back before the timer has to',
  async () => {
    const said = await failedUpdate('case $1 in link) exec sleep 600 ;; esac', '30s');
    assert.match(said, /did not connect in time/);
  },
);

hostTest(
  'T23: when the package is older than what runs, it is refused unless that is asked for, and then shown',
  async () => {
    const { host, assistant, name } = ground;
    await runOld(host);
    const parameters = await offered();
    await runOld(host, '9.9.9');
    const ask = (more: Record<string, boolean>) =>
      assistant('runPlaybook', {
        server: name,
        playbook: 'agent.update',
        parameters: { ...parameters, ...more },
        reason: 'Back.',
      });
    await assert.rejects(ask({}), /older than 9\.9\.9/);
    const { action } = await ask({ allow_downgrade: true });
    assert.ok(action);
    assert.match(JSON.stringify(action), /which is OLDER/);
    await assistant('cancelAction', { action: action.id });
    await runOld(host);
  },
);

hostTest(
  'T23: when a package holds an older version than it is named, it is refused and nothing is switched',
  async () => {
    const { host } = ground;
    await runOld(host);
    const good = await serveSpoiled(ground.world, 'case $1 in --version) echo 0.0.1; exit ;; esac');
    try {
      const parameters = { ...(await offered()), watch: '1s', back_after: '30s' };
      const failed = await carryOut(ground, { playbook: 'agent.update', boundMs: 90_000 }, parameters);
      assert.equal(failed.state, 'failed', failed.status);
      assert.match(failed.untrusted_output ?? '', /what it holds is 0\.0\.1/);
      await settled(host, OLD);
      await nothingArmed(host);
    } finally {
      await good();
    }
  },
);

hostTest(
  'T23: when the package has another checksum than was approved, or the policy is closed, nothing is touched',
  async () => {
    const { host, assistant, name, world, setPolicy, tellPolicy } = ground;
    await runOld(host);
    const ask = (parameters: Record<string, string>) =>
      assistant('runPlaybook', { server: name, playbook: 'agent.update', parameters, reason: 'It is old.' });
    const offer = await offered();
    await assert.rejects(ask({ ...offer, sha256: '0'.repeat(64) }), /another package/);
    const { action } = await ask(offer);
    assert.ok(action);
    const good = await serveSpoiled(ground.world, 'true');
    try {
      await world.owner('approveAction', { action: action.id, digest: action.digest, typed_server: name });
      const ended = await eventually('the action to be refused', async () => {
        const now = await world.owner('getAction', { action: action.id });
        return isFinal(now.state) ? now : undefined;
      });
      assert.equal(ended.state, 'refused', JSON.stringify(ended.error));
      assert.match(JSON.stringify(ended.error), /another package/);
    } finally {
      await good();
    }
    await setPolicy(OPEN_POLICY);
    // The agent connects anew to tell of it, at a moment of its own.
    const isAway = (error: { code?: string }) => error.code === 'server_offline';
    const said = await eventually('the answer', () =>
      ask(offer).then(
        () => 'asked',
        (error) => (isAway(error) ? undefined : String(error)),
      ),
    );
    assert.match(said, /agent_changes are off/);
    await tellPolicy(`${OPEN_POLICY}agent_changes: true\n`);
    await settled(host, OLD);
  },
);

const SETTINGS = '/etc/countersign/agent.yaml';
const LINK = '/etc/systemd/system/countersign-link.service';
const damage = (host: Host) =>
  sh(
    host,
    `chmod 0644 ${SETTINGS}; echo '# by hand' >>${LINK}; systemctl daemon-reload; systemctl disable countersign-link`,
  );
const standing = async (host: Host) =>
  (await sh(host, `stat -c %a ${SETTINGS}; tail -n 1 ${LINK}; systemctl is-enabled countersign-link || true`)).stdout;

prove(() => ground, {
  playbook: 'agent.repair',
  when: 'somebody changed the unit of the link, switched it off and opened its settings',
  breakIt: damage,
  sees: { diagnostic: 'agent', kind: 'agent.damaged' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await standing(host), '640\nWantedBy=multi-user.target\nenabled\n');
    await settled(host, await versionOn(host));
  },
  spoil: {
    how: 'a configuration management opens the settings again and again',
    async breakIt(host) {
      await damage(host);
      const line = `while true; do chmod 0644 ${SETTINGS}; sleep 0.2; done`;
      await host.exec(['systemd-run', '--unit=meddler', 'sh', '-c', line]);
    },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.equal(await standing(host), '644\n# by hand\ndisabled\n'),
  },
  clear: (host) => sh(host, 'systemctl stop meddler; /opt/countersign/current/install.sh --repair'),
});

hostTest('agent.uninstall: when it is approved, the end is told first, then nothing of the agent is left', async () => {
  const { host, world, server } = ground;
  const ended = await carryOut(ground, { playbook: 'agent.uninstall' }, { watch: '1s' });
  assert.equal(ended.state, 'succeeded', ended.status);
  assert.match(JSON.stringify(ended.plan.preview), /not even to take this back/);
  assert.match(await comesNow(host, 'countersign-removal.timer'), stands('30s'));
  const left = [
    'ls -d /opt/countersign /etc/countersign /var/lib/countersign /run/countersign',
    'ls -d /etc/systemd/system/*countersign* /etc/systemd/system/*/*countersign*',
    'grep countersign /etc/passwd /etc/group',
    'systemctl list-units --all --plain --no-legend "countersign*"',
  ].join('; ');
  await eventually('nothing to be left', async () => (await sh(host, `(${left}) 2>/dev/null; true`)).stdout === '', {
    timeoutMs: 60_000,
  });
  await eventually(
    'the server to be offline, and in the list',
    async () => (await world.owner('getServerStatus', { server })).state === 'offline',
    { timeoutMs: 60_000 },
  );
});
