import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { ChangePreview } from '@countersign/agent/capabilities/capability';
import { unitNameOf } from '@countersign/agent/host/step-processes';
import type { Json, StepResult } from '@countersign/protocol';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { DrivenHost, granted, nextAction } from './driven-host.ts';

let driven: DrivenHost;
before(async () => {
  if (whyNoHosts() === undefined) driven = await DrivenHost.boot('processes');
});
after(async () => driven?.[Symbol.asyncDispose]());

const UNIT = 'stubborn.service';
const property = async (name: string, unit = UNIT) =>
  (await driven.host.exec(['systemctl', 'show', '--value', `--property=${name}`, unit])).stdout.trim();

/** Starts a unit and names its main process as a diagnostic does. */
async function startUnit(script: string, settings: readonly string[] = []) {
  await driven.host.exec(['systemctl', 'stop', UNIT], { okCodes: 'any' });
  const properties = ['Type=exec', ...settings].map((each) => `--property=${each}`);
  await driven.host.exec([
    'systemd-run',
    '--quiet',
    '--collect',
    `--unit=${UNIT}`,
    ...properties,
    '/bin/sh',
    '-c',
    script,
  ]);
  const pid = await property('MainPID');
  const stat = await driven.host.readFile(`/proc/${pid}/stat`);
  const start_time = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return { unit: UNIT, pid: Number(pid), start_time };
}

hostTest('when a process does not end when it is told to, it is killed only where that was approved', async () => {
  const named = await startUnit('trap "" TERM; touch /run/deaf; while :; do sleep 0.2; done', ['TimeoutStopSec=1s']);
  await driven.host.waitFor(['test', '-e', '/run/deaf']);
  const told = granted((await driven.run('process.end', { ...named, wait: '1s', kill: false })).result) as StepResult;
  assert.equal(told.exit_code, 1);
  assert.match(told.summary, /still runs; killing it was not approved/);
  assert.equal(await property('MainPID'), String(named.pid));
  const preview = granted(await driven.change('preview', 'process.end', { ...named, wait: '1s', kill: true }));
  assert.deepEqual((preview as ChangePreview).preview.argv, [
    ['kill', '-s', 'TERM', '--', String(named.pid)],
    ['kill', '-s', 'KILL', '--', String(named.pid)],
  ]);
  const killed = granted((await driven.run('process.end', { ...named, wait: '1s', kill: true })).result) as StepResult;
  assert.equal(killed.exit_code, 0);
  assert.match(killed.summary, /has ended/);
});

hostTest(
  'T8: when the process that was approved is another one now, or belongs elsewhere, nothing is done to it',
  async () => {
    const named = await startUnit('exec sleep 1000');
    const others = [
      { ...named, start_time: named.start_time + 1 },
      { ...named, unit: 'nginx.service' },
    ];
    for (const other of others)
      for (const [id, more] of [
        ['process.end', { wait: '1s', kill: true }],
        ['process.renice', { nice: 10 }],
        ['process.reap', {}],
      ] as const)
        assert.equal(
          (await driven.change('perform', id, { ...other, ...more })).fault?.code,
          'precondition_failed',
          id,
        );
    assert.equal(await property('MainPID'), String(named.pid));
    // It sleeps as before; on its way to sleep it may be caught running.
    await driven.host.waitFor(['grep', '-q', '^State:\tS', `/proc/${named.pid}/status`]);
  },
);

hostTest('when a process carries the server or lets people in, it is not touched', async () => {
  for (const unit of ['ssh.service', 'dbus.service', 'systemd-journald.service']) {
    const pid = await property('MainPID', unit);
    const stat = await driven.host.readFile(`/proc/${pid}/stat`);
    const start_time = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const named = { unit, pid: Number(pid), start_time };
    const { fault } = await driven.change('preview', 'process.end', { ...named, wait: '1s', kill: true });
    assert.match(fault?.message ?? '', /is protected/, unit);
  }
});

hostTest('when the runner dies after a step on a unit or process, its result is found by reading (F4)', async () => {
  const found = async (id: Parameters<DrivenHost['run']>[0], parameters: object) => {
    const options = { actionId: nextAction() };
    const { result, memory } = await driven.run(id, parameters, options);
    const performed = granted(result) as StepResult;
    const recovered = granted(await driven.change('recover', id, parameters, { ...options, memory })) as StepResult;
    assert.equal(recovered?.exit_code, performed.exit_code, id);
    assert.match(recovered.summary, /^Found after a restart of the runner/);
    return memory;
  };
  const named = await startUnit('exec sleep 1000', ['LimitNOFILE=64:8192']);
  await found('process.renice', { ...named, nice: 10 });
  await found('unit.limit_memory', { unit: UNIT, max: '64M' });
  const memory = await found('unit.raise_nofile', { unit: UNIT, nofile: 2048 });
  const unknown = granted(
    await driven.change('recover', 'unit.raise_nofile', { unit: UNIT, nofile: 2048 }, { memory }),
  );
  assert.equal(unknown, null, 'what was never begun is not known');
  await found('process.end', { ...named, wait: '30s', kill: false });
  await found('unit.set_enabled', { unit: 'cron.service', enabled: false });
  assert.equal(await property('UnitFileState', 'cron.service'), 'disabled');
  await driven.host.exec(['systemctl', 'enable', '--quiet', 'cron']);
});

hostTest('when the runner dies between two processes of a step, it is not called done (F4)', async () => {
  await driven.host.exec(['rm', '-rf', `/etc/systemd/system/${UNIT}.d`]);
  await driven.host.exec(['systemctl', 'daemon-reload']);
  const { pid } = await startUnit('exec sleep 1000', ['LimitNOFILE=64:8192']);
  const raised = { unit: UNIT, nofile: 2048 };
  const options = { actionId: nextAction(), step: 'step' };
  const memory = granted(await driven.change('remember', 'unit.raise_nofile', raised, options)) as { calls: number };
  for (let index = 1; index < memory.calls; index += 1) {
    const name = unitNameOf(options.actionId, options.step, index);
    const kept = ['--service-type=exec', '--property=RemainAfterExit=yes', `--unit=${name}`];
    await driven.host.exec(['systemd-run', '--quiet', ...kept, 'prlimit', '--pid', String(pid), '--nofile=2048:8192']);
  }
  const again = { ...options, memory: memory as Json };
  const found = granted(await driven.change('recover', 'unit.raise_nofile', raised, again));
  assert.equal(found, null, 'systemd was not told of the file');

  const path = '/etc/sysctl.d/90-countersign-conntrack.conf';
  const file = { asked: path, path, backup: null, before_sha256: null, after_sha256: 'a'.repeat(64) };
  const begun = { actionId: nextAction(), step: 'step' };
  granted(await driven.ask({ call: 'start', argv: ['true'], timeoutMs: 10_000, ...begun }));
  const half = granted(
    await driven.change(
      'recover',
      'conntrack.raise',
      { max: 100_000 },
      { ...begun, memory: { file: { ...file, mode: 0o644, uid: 0, gid: 0 }, max: 65_536, calls: 1 } },
    ),
  ) as StepResult;
  assert.deepEqual([half.changed, half.exit_code], [true, 1], 'the file was not written');

  const away = { actionId: nextAction(), step: 'step' };
  granted(await driven.ask({ call: 'start', argv: ['true'], timeoutMs: 10_000, ...away }));
  const cycle = { device: '/srv/swapfile' };
  const taken = granted(await driven.change('recover', 'swap.cycle', cycle, { ...away, memory: { priority: -2 } }));
  assert.equal((taken as StepResult).exit_code, 1, 'it was taken away, and not given back');
});

hostTest('when a unit is named by its alias, what is started is what was shown', async () => {
  const install = '[Install]\nWantedBy=multi-user.target\nAlias=till.service\n';
  await driven.host.writeFile('/etc/systemd/system/cash.service', `[Service]\nExecStart=/bin/sleep 1000\n${install}`);
  await driven.host.exec(['systemctl', 'enable', '--quiet', 'cash.service']);
  const off = { unit: 'till.service', enabled: false };
  const { preview } = granted(await driven.change('preview', 'unit.set_enabled', off)) as ChangePreview;
  assert.deepEqual(preview.argv, [['systemctl', 'disable', '--', 'cash.service']]);
  const options = { actionId: nextAction(), step: 'step' };
  const { result } = await driven.run('unit.set_enabled', off, options);
  assert.equal((granted(result) as StepResult).exit_code, 0);
  const started = await property('ExecStart', unitNameOf(options.actionId, options.step, 1));
  assert.match(started, /argv\[\]=\S*systemctl disable -- cash\.service ;/);
  assert.equal(await property('UnitFileState', 'cash.service'), 'disabled');
});

hostTest('when a mount only shows a file system read-only, the file system is left alone', async () => {
  await driven.host.exec(['mkdir', '-p', '/srv/whole', '/srv/shown']);
  await driven.host.exec(['mount', '--bind', '/srv/whole', '/srv/shown']);
  try {
    await driven.host.exec(['mount', '-o', 'remount,bind,ro', '/srv/shown']);
    const { fault } = await driven.change('preview', 'mount.remount_rw', { path: '/srv/shown' });
    assert.equal(fault?.code, 'precondition_failed');
    assert.match(fault.message, /only shows its file system read-only/);
  } finally {
    await driven.host.exec(['umount', '/srv/shown']);
  }
});

hostTest('when a change of a unit is out of bounds or says nothing new, it is refused with the figures', async () => {
  const named = await startUnit('exec sleep 1000', ['LimitNOFILE=4096:8192']);
  const refusal = async (id: Parameters<DrivenHost['change']>[1], parameters: object) => {
    const { fault } = await driven.change('preview', id, parameters);
    assert.equal(fault?.code, 'precondition_failed', id);
    return fault.message;
  };
  assert.match(await refusal('unit.limit_memory', { unit: UNIT, max: '1K' }), /must be .* at least/);
  assert.match(await refusal('unit.limit_memory', { unit: UNIT, max: '9000G' }), /80 % of it at most/);
  assert.match(await refusal('unit.raise_nofile', { unit: UNIT, nofile: 2048 }), /or more already/);
  assert.match(await refusal('unit.raise_nofile', { unit: 'cron-none.service', nofile: 2048 }), /no unit/);
  assert.match(await refusal('unit.set_enabled', { unit: UNIT, enabled: true }), /neither enabled nor disabled/);
  assert.match(await refusal('process.reap', named), /has no zombies/);
  await driven.host.exec(['renice', '-n', '12', '-p', String(named.pid)]);
  assert.match(await refusal('process.renice', { ...named, nice: 10 }), /has nice 12 already/);
});

hostTest(
  'T6: when a unit with a limit lost a process for lack of memory, a larger limit is offered; a stranger who says so is not believed',
  async () => {
    await startUnit('exec sleep 1000', ['MemoryMax=64M']);
    // What systemd writes when the kernel killed: the memory controller of this machine may not let it happen.
    const entry = [
      'MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef',
      `UNIT=${UNIT}`,
      'PRIORITY=5',
      `MESSAGE=${UNIT}: A process of this unit has been killed by the OOM killer.`,
    ];
    await driven.host.exec(['logger', '--journald'], { input: `${entry.join('\n')}\n` });
    // A stranger says the same of another unit.
    const forged = entry.join('\n').replaceAll(UNIT, 'ssh.service');
    const stranger = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    await driven.host.exec([...stranger, 'logger', '--journald'], { input: `${forged}\n` });
    const offers = async () =>
      (await driven.observe('memory_oom', { since: '1h' })).findings
        .filter(({ kind }) => kind === 'memory.oom_kill')
        .flatMap(({ suggestions }) => suggestions)
        .map(({ playbook, parameters }) => [playbook, parameters]);
    await driven.host.exec(['journalctl', '--sync']);
    assert.deepEqual(await offers(), [
      ['service.restart', { unit: UNIT }],
      ['service.memory_limit', { unit: UNIT, max: '96M' }],
    ]);
  },
);

hostTest('when a unit is to be stopped, those that stop with it and those that start it again are named', async () => {
  const write = (name: string, ...lines: readonly string[]) =>
    driven.host.writeFile(`/etc/systemd/system/${name}`, `${lines.join('\n')}\n`);
  await write('base.service', '[Service]', 'ExecStart=/bin/sleep 1000');
  await write('base.timer', '[Timer]', 'OnActiveSec=1h');
  await write('top.service', '[Unit]', 'Requires=base.service', '[Service]', 'ExecStart=/bin/sleep 1000');
  await driven.host.exec(['systemctl', 'daemon-reload']);
  await driven.host.exec(['systemctl', 'start', 'top.service', 'base.timer']);
  const { preview } = granted(await driven.change('preview', 'unit.stop', { unit: 'base.service' })) as ChangePreview;
  assert.deepEqual(preview.effects, [
    'base.service is stopped and stays down.',
    'Units that depend on it are affected as well: top.service.',
    'It may be started again by base.timer.',
  ]);
});
