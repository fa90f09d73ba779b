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

/**
 * Shell words that wait until the next step of an action, or the next few, are over on this server. What comes after them spoils the
 * check alone: it shows at the first reading, or at the second where it comes late, and in a long watch however late.
 */
export async function untilNextStep(host: Host, steps = 1): Promise<string> {
  const count = `grep -c step_result ${JOURNAL}`;
  const before = Number((await host.exec(['sh', '-c', `${count} || :`])).stdout);
  return `until [ "$(${count})" -ge ${before + steps} ]; do sleep 0.1; done`;
}

/** The same as {@link meddle}, once the next step of an action is over. */
export const meddleAfterStep = async (host: Host, script: string, steps = 1) =>
  meddle(host, `${await untilNextStep(host, steps)}; ${script}`);

/**
 * A port of the server's own that answers 200, and does this before each answer. The last probe of a check that asks it has it done after
 * the first reading of all before it, and well before the second, however late who is. Source: systemd.socket(5), Accept=.
 */
export async function doWhenAsked(host: Host, port: number, script: string): Promise<string> {
  const answer = `printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n'`;
  const heads = `while read -r line && [ "$line" != "$(printf '\\r')" ]; do :; done`;
  await host.writeFile('/srv/asked.sh', `${heads}\n{ ${script}; } >/dev/null 2>&1\n${answer}\n`);
  const [service, socket] = ['/run/systemd/system/asked@.service', '/run/systemd/system/asked.socket'];
  await host.writeFile(
    service,
    '[Service]\nExecStart=-/bin/sh /srv/asked.sh\nStandardInput=socket\nStandardOutput=socket\n',
  );
  await host.writeFile(socket, `[Socket]\nListenStream=127.0.0.1:${port}\nAccept=yes\n`);
  await host.exec(['systemctl', 'daemon-reload']);
  await host.exec(['systemctl', 'restart', 'asked.socket']);
  return `http://127.0.0.1:${port}/`;
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
