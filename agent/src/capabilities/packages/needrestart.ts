/** What an update replaced while it ran. Source: needrestart(1), README.batch.md. */
import { fault } from '@countersign/protocol';
import type { ObserveContext } from '../capability.ts';

export interface Outdated {
  /** Units that still run replaced programs. */
  readonly services: readonly string[];
}

/** `null` where needrestart is not installed. Rejects with `capability_failed` when it gives no answer. */
export async function readOutdated(context: ObserveContext): Promise<Outdated | null> {
  const done = await context.exec({
    argv: ['needrestart', '-b', '-r', 'l'],
    timeoutMs: 10_000,
    signal: context.signal,
  });
  if (done.notStarted === 'ENOENT') return null;
  if (done.exitCode !== 0)
    throw fault('capability_failed', { capability: 'needrestart', reason: 'needrestart gave no answer or failed' });
  return parseNeedrestart(done.stdout);
}

/** Lines `NEEDRESTART-SVC: nginx.service`; others are passed over. */
export function parseNeedrestart(text: string): Outdated {
  const found = [...text.matchAll(/^NEEDRESTART-SVC: *(\S+)/gm)].map((line) => line[1] ?? '');
  return { services: [...new Set(found.map((name) => (name.includes('.') ? name : `${name}.service`)))] };
}
