/** Which virtual hosts are in maintenance, and which could be put into it while what is behind them is mended. */
import { existsSync } from 'node:fs';
import type { Suggestion } from '@countersign/protocol';
import type { Report } from '../report.ts';
import type { ServerBlock } from './server-blocks.ts';

/** A name to ask for: `_` and patterns are none. */
function nameOf({ names }: ServerBlock): string | null {
  return names.find((name) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) ?? null;
}

/** Tells of flags that are set, so that nobody wonders about the 503. */
export function lookAtFlags(report: Report, blocks: readonly ServerBlock[]): void {
  for (const block of blocks) {
    const [vhost, flag] = [nameOf(block), block.flags.find((path) => existsSync(path))];
    if (vhost === null || flag === undefined) continue;
    report.add({
      kind: 'nginx.maintenance_on',
      severity: 'info',
      title: `${vhost} is in maintenance: ${flag} is there.`,
      suggestions: [
        { playbook: 'nginx.maintenance', parameters: { vhost, flag, mode: 'off' }, why: 'It removes the flag file.' },
      ],
    });
  }
}

/** Maintenance for the virtual hosts that pass their requests to an upstream, as nginx names it in its error log. */
export function maintenanceFor(upstream: string, blocks: readonly ServerBlock[]): Suggestion[] {
  const address = upstream.replace(/^[a-z]+:\/\//, '');
  return blocks.flatMap((block) => {
    const [vhost, flag] = [nameOf(block), block.flags[0]];
    if (vhost === null || flag === undefined || !block.upstreams.includes(address)) return [];
    return [
      {
        playbook: 'nginx.maintenance',
        parameters: { vhost, flag, mode: 'on' },
        why: `People see the maintenance page of ${vhost} until what is behind it is mended; a timer ends it.`,
      },
    ];
  });
}
