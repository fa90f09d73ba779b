import { fault } from '@countersign/protocol';
import { isMissing } from '../../host/execution.ts';
import { unitOfProcess } from '../../host/processes.ts';
import type { ObserveContext } from '../capability.ts';
import { type Listener, parseListeners } from '../network/network-ports.ts';
import type { Found } from './discover.ts';

const ASK_MS = 8000;

/** Ports of this server that somebody listens on. Source: ss(8). */
export async function findListeners({ exec, signal }: ObserveContext): Promise<Found[]> {
  const done = await exec({ argv: ['ss', '-H', '-lntup'], timeoutMs: ASK_MS, hostNetwork: true, signal });
  if (isMissing(done, 'ss')) throw failed('ss is not installed');
  if (done.exitCode !== 0) throw failed('ss gave no answer');
  return parseListeners(done.stdout).map((listener) => ({
    name: `${listener.protocol} ${listener.address}:${listener.port}`,
    state: null,
    detail: whoOf(listener),
  }));
}

/** Without process ids, which change with every restart. */
function whoOf({ processes }: Listener): string {
  const [first] = processes;
  if (first === undefined) return 'nobody can tell whose it is';
  const unit = unitOfProcess(first.pid);
  return unit === null ? first.name : `${first.name} (${unit})`;
}

const failed = (reason: string) => fault('capability_failed', { capability: 'discover.services', reason });
