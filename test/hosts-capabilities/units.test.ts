import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Executed } from '@countersign/agent/host/execution';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { DrivenHost, granted, nextAction } from './driven-host.ts';

let driven: DrivenHost;
before(async () => {
  if (whyNoHosts() === undefined) driven = await DrivenHost.boot('units');
});
after(async () => driven?.[Symbol.asyncDispose]());

interface Options {
  readonly actionId?: string;
  readonly step?: string;
  readonly timeoutMs?: number;
  readonly readsOnly?: { readonly hidden: readonly string[]; readonly filesOnly: boolean };
}
const start = async (argv: readonly string[], options: Options = {}) =>
  driven.ask({
    call: 'start',
    argv,
    timeoutMs: options.timeoutMs ?? 20_000,
    actionId: options.actionId ?? nextAction(),
    step: options.step ?? 'run',
    ...(options.readsOnly ? { readsOnly: options.readsOnly } : {}),
  });

hostTest('when a step runs as a unit, exit code and output come back', async () => {
  const answer = await start(['sh', '-c', 'echo out; echo err >&2; exit 7']);
  const done = granted(answer) as Executed;
  assert.deepEqual([done.exitCode, done.signal, done.timedOut, done.notStarted], [7, null, false, null]);
  assert.equal(done.stdout, 'out\nerr\n');
  assert.equal(answer.output, 'out\nerr\n');
  assert.equal((granted(await start(['true'])) as Executed).exitCode, 0);
  assert.equal((granted(await start(['countersign-none'])) as Executed).notStarted, 'ENOENT');
  assert.equal((granted(await start(['sh', '-c', 'kill -9 $$'])) as Executed).signal, 'SIGKILL');
});

hostTest(
  'T15: when a link is swapped after we looked at it, what only reads sees no secrets of processes, no disk, and no key',
  async () => {
    const { host } = driven;
    await host.exec(['sh', '-c', 'echo plain >/etc/plain; mkdir -p /etc/wireguard; echo key >/etc/wireguard/wg0.conf']);
    await host.exec(['systemd-run', '--unit=holder', '--uid=nobody', '--setenv=TOKEN=topsecret', 'sleep', '600']);
    const pid = (await host.exec(['systemctl', 'show', '-P', 'MainPID', 'holder.service'])).stdout.trim();
    const readsOnly = { hidden: ['/etc/wireguard'], filesOnly: true };
    const read = async (path: string) => granted(await start(['cat', path], { readsOnly })) as Executed;
    assert.equal((await read('/etc/plain')).stdout, 'plain\n');
    assert.equal((await read('/proc/self/oom_score_adj')).stdout, '1000\n', 'it goes before any service does');
    for (const path of [`/proc/${pid}/environ`, '/proc/1/environ', '/dev/loop0', '/etc/wireguard/wg0.conf']) {
      const { exitCode, stdout } = await read(path);
      assert.equal(exitCode, 1, `${path}: ${stdout.slice(0, 200)}`);
      assert.doesNotMatch(stdout, /topsecret|key/);
    }
    const write = granted(await start(['touch', '/etc/plain'], { readsOnly })) as Executed;
    assert.notEqual(write.exitCode, 0);
    await host.exec(['systemctl', 'stop', 'holder.service']);
  },
);

hostTest('when the same step is started a second time, systemd refuses it and nothing runs twice (T11)', async () => {
  const actionId = nextAction();
  const argv = ['sh', '-c', 'echo once >>/srv/ledger'];
  granted(await start(argv, { actionId }));
  await driven.host.exec(['rm', '-r', '/var/lib/driver/units']);
  assert.equal((await start(argv, { actionId })).fault?.code, 'grant_replayed');
  assert.equal(await driven.host.readFile('/srv/ledger'), 'once\n');
});

hostTest('when the runner dies in mid-step, the step goes on and its result is found again (F5)', async () => {
  const actionId = nextAction();
  const request = {
    call: 'start',
    argv: ['sh', '-c', 'echo begun; until test -e /srv/go-on; do sleep 0.05; done; echo ended; exit 3'],
    timeoutMs: 20_000,
    actionId,
    step: 'run',
  };
  const unit = `countersign-${actionId}-run.service`;
  await driven.host.writeFile('/srv/request.json', JSON.stringify(request));
  await driven.host.exec([
    'systemd-run',
    '--quiet',
    '--unit=driver.service',
    '--property=StandardInput=file:/srv/request.json',
    ...driven.argv,
  ]);
  await driven.host.waitFor(['systemctl', 'is-active', '--quiet', unit]);
  await driven.host.exec(['systemctl', 'kill', '--signal=KILL', 'driver.service']);
  const found = driven.ask({ call: 'ended', actionId, step: 'run' });
  await driven.host.waitFor(['pgrep', '-f', driven.argv.join(' ')]);
  await driven.host.exec(['touch', '/srv/go-on']);
  const done = granted(await found) as Executed;
  assert.deepEqual([done.exitCode, done.stdout], [3, 'begun\nended\n']);
  await driven.ask({ call: 'forget', actionId, step: 'run' });
  assert.equal(granted(await driven.ask({ call: 'ended', actionId, step: 'run' })), null);
  assert.equal((await driven.host.exec(['ls', '/var/lib/driver/units'])).stdout.includes(actionId), false);
});

hostTest('when a step outlasts its time or is stopped, all its processes are gone', async () => {
  const late = granted(await start(['sh', '-c', 'sleep 77 & sleep 77'], { timeoutMs: 1000 })) as Executed;
  assert.equal(late.timedOut, true);
  const actionId = nextAction();
  const running = start(['sh', '-c', "trap '' TERM; sleep 78 & wait; sleep 78"], { actionId });
  await driven.host.waitFor(['pgrep', '-f', 'sleep 78']);
  await driven.ask({ call: 'stop', actionId, step: 'run' });
  assert.notEqual((granted(await running) as Executed).exitCode, 0);
  assert.equal((await driven.host.exec(['pgrep', '-f', 'sleep 7[78]'], { okCodes: 'any' })).stdout, '');
});

hostTest(
  'when words hold dollars, percents and quotes, the program in the unit gets them byte for byte (T16)',
  async () => {
    const parts = [
      '$HOME',
      '$' + '{PATH}',
      '$$',
      '$',
      '%h',
      '%%',
      '%i',
      '"',
      "'",
      '\\',
      '\\x41',
      '`id`',
      ' ',
      '\t',
      '\n',
      ';',
      '*',
      '~',
      '#',
      '@',
      '-',
      '!',
      'ä😀',
      '=',
      ':',
      '{}',
    ];
    const words = parts
      .flatMap((a) => parts.map((b) => `${a}${b}`))
      .concat('', '$', 'a$', '$FOO BAR', '@/x', '-e', '+x');
    for (let from = 0; from < words.length; from += 300) {
      const some = words.slice(from, from + 300);
      const done = granted(await start(['printf', '%s\\0', ...some])) as Executed;
      assert.deepEqual(done.stdout.split('\0').slice(0, -1), some);
    }
  },
);

hostTest('when a step floods its output, the disk and the result stay small', async () => {
  const done = granted(await start(['sh', '-c', 'head -c 300M /dev/zero | tr "\\0" x; echo; echo end'])) as Executed;
  assert.equal(done.exitCode, 0);
  assert.equal(done.stdout.length, 1024 * 1024);
  assert.equal(done.truncated, true);
  const used = Number(
    (await driven.host.exec(['du', '-s', '--block-size=1M', '/var/lib/driver'])).stdout.split('\t')[0],
  );
  assert.ok(used < 200, `${used} MB`);
});

hostTest(
  'when a unit is restarted, stopped, started and reloaded, results, undo and facts are those of systemd',
  async () => {
    const unit = { unit: 'nginx.service' };
    await driven.host.exec(['systemctl', 'start', 'nginx']);
    const first = await driven.observe('unit.state', unit);
    assert.deepEqual([first.exists, first.active_state, first.can_reload], [true, 'active', true]);

    const preview = granted(await driven.change('preview', 'unit.restart', unit)) as {
      preview: { argv: string[][] };
      witness: { property: string; value: unknown }[];
    };
    assert.deepEqual(preview.preview.argv, [['systemctl', 'restart', '--', 'nginx.service']]);
    assert.deepEqual(
      preview.witness.map(({ property, value }) => [property, value]),
      [
        ['state', 'active'],
        ['main_pid', first.main_pid],
      ],
    );
    const { result } = await driven.run('unit.restart', unit);
    assert.match(
      (result.value as { summary: string }).summary,
      /^Done; nginx\.service is active \(running\), main process \d+\.$/,
    );
    assert.notEqual((await driven.observe('unit.state', unit)).main_pid, first.main_pid);

    const stopped = await driven.run('unit.stop', unit);
    assert.equal((await driven.observe('unit.state', unit)).active_state, 'inactive');
    assert.match((await driven.change('preview', 'unit.reload', unit)).fault?.message ?? '', /does not run/);
    granted(await driven.change('undo', 'unit.stop', unit, { memory: stopped.memory, step: 'undo' }));
    assert.equal((await driven.observe('unit.state', unit)).active_state, 'active');
    const reloaded = await driven.run('unit.reload', unit);
    assert.equal((reloaded.result.value as { exit_code: number }).exit_code, 0);
    assert.match(
      (await driven.change('preview', 'unit.restart', { unit: 'none' })).fault?.message ?? '',
      /no unit none\.service/,
    );
  },
);

hostTest(
  'when a unit crashes over and over, service and failed_units tell why, and reset_failed starts it once it is mended',
  async () => {
    const unitFile = (command: string) =>
      `[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=60\n[Service]\nRestart=on-failure\nRestartSec=50ms\nExecStart=${command}\n`;
    await driven.host.writeFile(
      '/etc/systemd/system/shaky.service',
      unitFile('/bin/sh -c "echo cannot open db password=hunter2hunter2 >&2; exit 5"'),
    );
    await driven.host.exec(['systemctl', 'daemon-reload']);
    await driven.host.exec(['systemctl', 'start', 'shaky'], { okCodes: 'any' });
    await driven.host.waitFor(['systemctl', 'is-failed', '--quiet', 'shaky']);
    const said = [
      'sh',
      '-c',
      'test "$(journalctl --quiet --unit=shaky --output=cat --grep="cannot open" | wc -l)" -ge 3',
    ];
    await driven.host.waitFor(said);

    const report = await driven.observe('service', { unit: 'shaky' });
    assert.equal(report.findings[0]?.severity, 'critical');
    assert.match(report.findings[0]?.kind ?? '', /^service\.(failed|gave_up)$/);
    const lines = report.findings[0]?.evidence.map((piece) => piece.untrusted_output).join('\n') ?? '';
    assert.match(lines, /cannot open db/);
    assert.doesNotMatch(lines, /hunter2/);
    assert.deepEqual(report.findings[0]?.suggestions[0]?.parameters, { unit: 'shaky.service' });
    const failed = await driven.observe('failed_units');
    assert.ok(failed.findings.some(({ title }) => title.startsWith('shaky.service')));
    const overview = await driven.observe('overview');
    assert.ok(overview.findings.some(({ kind }) => kind === 'units.failed'));
    const logs = await driven.observe('logs', { unit: 'shaky', grep: 'cannot open' });
    assert.ok(Number(logs.figures.lines) >= 3);

    await driven.host.writeFile('/etc/systemd/system/shaky.service', unitFile('/bin/sleep 1000'));
    await driven.host.exec(['systemctl', 'daemon-reload']);
    const preview = granted(await driven.change('preview', 'unit.start', { unit: 'shaky' })) as {
      preview: { argv: string[][] };
    };
    assert.deepEqual(
      preview.preview.argv.map(([, verb]) => verb),
      ['reset-failed', 'start'],
    );
    granted((await driven.run('unit.reset_failed', { unit: 'shaky' })).result);
    granted((await driven.run('unit.start', { unit: 'shaky' })).result);
    assert.equal(
      (await driven.observe('service', { unit: 'shaky' })).findings.some(({ kind }) => kind === 'service.running'),
      true,
    );
    await driven.host.exec(['systemctl', 'stop', 'shaky']);
  },
);

hostTest('when the journal is vacuumed, it gets as small as the preview said', async () => {
  await driven.host.exec(
    [
      'sh',
      '-c',
      'for i in 1 2 3 4; do head -c 6000000 /dev/urandom | base64 -w 900 | logger; journalctl --rotate; done; journalctl --sync',
    ],
    { timeoutMs: 60_000 },
  );
  const before = await driven.observe('journal.usage');
  assert.ok(before.bytes > 8_000_000 && before.oldest !== null);
  const preview = granted(await driven.change('preview', 'journal.vacuum', { keep: '10M' })) as {
    preview: { effects: string[] };
  };
  assert.match(preview.preview.effects[0] ?? '', /deleted for good, which frees about/);
  const { result } = await driven.run('journal.vacuum', { keep: '10M' });
  assert.deepEqual(
    [(result.value as { exit_code: number }).exit_code, (result.value as { changed: boolean }).changed],
    [0, true],
  );
  const left = (await driven.observe('journal.usage')).bytes;
  assert.ok(left < before.bytes && left <= 10 * 1024 * 1024 + 8 * 1024 * 1024, `${before.bytes} → ${left}`);
});

hostTest('when a temporary folder is cleaned on a server, its old files move aside and come back', async () => {
  await driven.host.exec([
    'sh',
    '-c',
    'mkdir -p /tmp/a/b && head -c 1000000 /dev/zero >/tmp/a/b/old && touch -d "10 days ago" /tmp/a/b/old && echo x >/tmp/young',
  ]);
  const parameters = { root: '/tmp', older_than: '7d' };
  const preview = granted(await driven.change('preview', 'tmp.clean', parameters)) as {
    preview: { effects: string[] };
  };
  assert.match(preview.preview.effects[0] ?? '', /^About 1 file with 1\.0 MB/);
  const { result, memory } = await driven.run('tmp.clean', parameters);
  assert.match((result.value as { summary: string }).summary, /^1 file with/);
  assert.equal((await driven.host.exec(['ls', '/tmp/a/b'])).stdout, '');
  granted(await driven.change('undo', 'tmp.clean', parameters, { memory }));
  assert.equal((await driven.host.exec(['ls', '/tmp/a/b'])).stdout, 'old\n');
});
