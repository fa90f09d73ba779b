/** A small service of our own, which rows break in many ways, and somebody who meddles with it. */
import type { Host } from '../hosts/host.ts';

const PROGRAM = '/srv/worker.py';

/** A service that runs a small Python program; it says `ready` in a file when it has done what it does at its start. */
export async function startWorker(host: Host, program: string, settings: readonly string[] = []): Promise<void> {
  await host.writeFile(
    PROGRAM,
    `import os, signal, time\n${program}\nopen("/run/worker.ready", "w").close()\n${WAITS}`,
  );
  const lines = ['[Service]', `ExecStart=/usr/bin/python3 ${PROGRAM}`, ...settings];
  await host.writeFile('/etc/systemd/system/worker.service', `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
  await host.exec(['rm', '-f', '/run/worker.ready']);
  await host.exec(['systemctl', 'restart', 'worker']);
  await host.waitFor(['test', '-e', '/run/worker.ready']);
}
const WAITS = 'while True:\n    time.sleep(1)\n';

/** Something besides Countersign that does this to the server once. */
export const meddle = (host: Host, script: string) =>
  host.exec(['systemd-run', '--quiet', '--collect', '--unit=meddler', '/bin/sh', '-c', script]);

const JOURNAL = '/var/lib/countersign/runner/journal.ndjson';

/** Shell words that wait until the next step of an action is over on this server: what comes after them spoils its check alone. */
export async function untilNextStep(host: Host): Promise<string> {
  const steps = `grep -c step_result ${JOURNAL}`;
  const before = (await host.exec(['sh', '-c', `${steps} || :`])).stdout.trim();
  return `until [ "$(${steps})" -gt ${before} ]; do sleep 0.1; done`;
}

export const property = async (host: Host, name: string) =>
  (await host.exec(['systemctl', 'show', '--value', `--property=${name}`, 'worker'])).stdout.trim();
export const mainPid = (host: Host) => property(host, 'MainPID');

/** Nothing of a row is left for the next one. */
export async function clear(host: Host): Promise<void> {
  await host.exec(['systemctl', 'stop', 'meddler', 'worker'], { okCodes: 'any' });
  await host.exec(['systemctl', 'reset-failed', 'worker'], { okCodes: 'any' });
}

/** It holds 80 MB. */
export const HOARDS = 'hoard = b"x" * 80_000_000';
