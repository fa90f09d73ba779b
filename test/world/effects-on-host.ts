/**
 * What has happened on a host, told by the host itself and not by the product: files that changed, units that were started or
 * ended, jobs of systemd, rules of the firewall. An attack that left no trace here did nothing.
 */
import type { Host } from '../hosts/host.ts';

const STAMP = '/root/effects.stamp';

/** Where files change by themselves: logs, and what the agent keeps of its own. */
const OWN_LIFE = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/var/log/journal',
  '/var/lib/countersign/link',
  '/var/lib/countersign/runner',
];

export interface Effects {
  /** Files and folders that changed since the watch began, whoever did it. */
  readonly files: string;
  /** Of every unit but our own two: when it was started last, and how often by itself. */
  readonly units: string;
  /** Units that carry out steps, whatever became of them. */
  readonly steps: string;
  readonly firewall: string;
  readonly policy: string;
}

/** Begins to watch. Returns a function that looks. */
export async function watchEffects(host: Host): Promise<() => Promise<Effects>> {
  await host.exec(['sh', '-c', `touch ${STAMP}; sleep 0.05`]);
  const look = async (script: string) => (await host.exec(['sh', '-c', script], { okCodes: 'any' })).stdout;
  const prunes = OWN_LIFE.map((path) => `-path ${path}`).join(' -o ');
  const ours = 'countersign-(link|runner)';
  return async () => ({
    files: await look(
      `find / /tmp /var/tmp \\( ${prunes} -o -name 'systemd-private-*' \\) -prune -o -cnewer ${STAMP} ! -path / ! -path /tmp ! -path /var/tmp -print | sort -u`,
    ),
    units: await look(
      `systemctl show '*' --all --property=Id,NRestarts,ActiveState,InvocationID --type=service | paste -sd' ' | sed 's/  /\\n/g' | grep -Ev '${ours}' | sort`,
    ),
    // What systemd said last may lie before the journal still.
    steps: await look(
      `journalctl --sync; systemctl list-units --all --plain --no-legend 'countersign-*' | grep -Ev '${ours}'; journalctl -q -o cat _PID=1 | grep -E 'countersign-' | grep -Ev '${ours}'`,
    ),
    firewall: await look('nft list ruleset'),
    policy: await look('cat /etc/countersign/*; sha256sum /etc/passwd /etc/shadow'),
  });
}
