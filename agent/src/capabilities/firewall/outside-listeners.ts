/** Who listens where somebody outside could come in. */
import type { ObserveContext } from '../capability.ts';
import { type Listener, parseListeners } from '../network/network-ports.ts';

/** Sockets that somebody outside could reach without a firewall; `null` when that cannot be told. */
export async function readOutsideListeners(context: ObserveContext): Promise<Listener[] | null> {
  const argv = ['ss', '-H', '-l', '-n', '-t', '-u', '-p'];
  const done = await context.exec({ argv, timeoutMs: 8000, hostNetwork: true, signal: context.signal });
  if (done.exitCode !== 0) return null;
  return parseListeners(done.stdout).filter(({ address }) => !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address));
}

/** Their ports of one protocol, each once, in order. */
export function portsOf(listeners: readonly Listener[], protocol: Listener['protocol']): number[] {
  const ports = listeners.flatMap((listener) => (listener.protocol === protocol ? [listener.port] : []));
  return [...new Set(ports)].sort((a, b) => a - b);
}
