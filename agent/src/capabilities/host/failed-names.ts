import { fault } from '@countersign/protocol';
import type { ObserveContext } from '../capability.ts';

/** Names of the units that failed. Rejects with `capability_failed` when systemd does not answer. Source: systemctl(1). */
export async function failedNames(context: ObserveContext): Promise<string[]> {
  const argv = ['systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--no-pager'];
  const done = await context.exec({ argv, timeoutMs: 10_000, signal: context.signal });
  if (done.exitCode !== 0)
    throw fault('capability_failed', { capability: 'systemctl', reason: 'systemd does not tell which units failed' });
  return done.stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
}
