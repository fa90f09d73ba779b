import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { DiagnosticId } from '@countersign/protocol';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { carryOut, prove } from './prove.ts';
import { meddleAfterStep } from './worker.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('schedule');
});
after(async () => ground?.[Symbol.asyncDispose]());

const FLAG = '/srv/backup.target';
const is = async (host: Host, ask: string, unit: string) =>
  (await host.exec(['systemctl', ask, unit], { okCodes: 'any' })).stdout.trim();

/** A timer whose job copies a file into a folder that is not there. */
async function installFailing(host: Host): Promise<void> {
  const job = ['[Service]', 'Type=oneshot', `ExecStart=/bin/cp /etc/hostname ${FLAG}/copy`];
  await host.writeFile('/etc/systemd/system/backup.service', `${job.join('\n')}\n`);
  // Nobody but us may start it while a test looks.
  const timer = ['[Timer]', 'OnCalendar=2099-01-01', '[Install]', 'WantedBy=timers.target'];
  await host.writeFile('/etc/systemd/system/backup.timer', `${timer.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
  await host.exec(['systemctl', 'start', 'backup.timer']);
  await host.exec(['systemctl', 'start', 'backup.service'], { okCodes: 'any' });
  await host.waitFor(['systemctl', 'is-failed', 'backup.service']);
}

async function remove(host: Host): Promise<void> {
  await host.exec(['systemctl', 'stop', 'backup.timer', 'meddler'], { okCodes: 'any' });
  await host.exec(['rm', '-rf', FLAG, '/etc/systemd/system/backup.timer', '/etc/systemd/system/backup.service']);
  await host.exec(['systemctl', 'daemon-reload']);
}

prove(() => ground, {
  playbook: 'cron.run_or_pause',
  when: 'the job of a timer has failed and its cause is gone',
  async breakIt(host) {
    await installFailing(host);
    await host.exec(['mkdir', FLAG]);
  },
  sees: { diagnostic: 'cron_timers', kind: 'schedule.job_failed' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await host.readFile(`${FLAG}/copy`), await host.readFile('/etc/hostname'));
    assert.equal(await is(host, 'is-active', 'backup.timer'), 'active');
  },
  spoil: {
    how: 'it is to be paused and somebody starts it again',
    breakIt: (host) => meddleAfterStep(host, 'systemctl start backup.timer'),
    parameters: { timer: 'backup.timer', verb: 'pause', watch: '20s' },
    undo: 'done',
    undone: async (host) => assert.equal(await is(host, 'is-active', 'backup.timer'), 'active'),
  },
  clear: remove,
});

hostTest(
  'when a job that was run fails again, its action fails, and nothing claims to have taken it back',
  async () => {
    const { host } = ground;
    try {
      await installFailing(host);
      const asked = { timer: 'backup.timer', verb: 'run', watch: '1s' };
      const failed = await carryOut(ground, { playbook: 'cron.run_or_pause' }, asked);
      assert.equal(failed.state, 'failed');
      assert.equal(failed.result?.undo.state, 'impossible');
      assert.match(failed.result?.steps[0]?.summary ?? '', /systemctl start ended with exit code 1/);
    } finally {
      await remove(host);
    }
  },
);

hostTest('when a unit wrote thousands of lines, the newest are told', async () => {
  const { host, assistant, name } = ground;
  const [table, noise] = ['/etc/cron.d/stranger', '/run/systemd/system/cron.service.d/noise.conf'];
  const look = async (diagnostic: DiagnosticId, parameters: Record<string, string>) =>
    (await assistant('runDiagnostic', { server: name, diagnostics: [diagnostic], parameters })).findings;
  try {
    await host.writeFile(noise, '[Service]\nExecStartPost=/usr/bin/seq --format=CMD_%%g 5100\n');
    await host.exec(['systemctl', 'daemon-reload']);
    await host.exec(['systemctl', 'restart', 'cron']);
    // It lies in a pipe until the journal reads it; what another one says meanwhile would stand before it.
    await host.waitFor(['journalctl', '--quiet', '--unit=cron', '--grep=CMD_5100']);
    await host.exec(['rm', noise]);
    await host.writeFile(table, '* * * * * root true\n');
    await host.exec(['chown', 'nobody', table]);
    await host.exec(['systemctl', 'daemon-reload']);
    await host.exec(['systemctl', 'restart', 'cron']);
    await host.waitFor(['journalctl', '--quiet', '--unit=cron', '--grep=WRONG FILE OWNER']);
    const lines = (await look('logs', { unit: 'cron.service', since: '1h' })).find(({ kind }) => kind === 'logs.lines');
    assert.match(JSON.stringify(lines?.evidence), /WRONG FILE OWNER/);
    const found = await look('cron_timers', { since: '1h' });
    assert.ok(found.some(({ kind }) => kind === 'schedule.cron_complains'));
  } finally {
    await host.exec(['rm', '-rf', table, noise]);
    await host.exec(['systemctl', 'daemon-reload']);
    await host.exec(['systemctl', 'restart', 'cron']);
  }
});
