/** The connection by which the agent's link reaches its control plane, seen from the server itself. Source: ss(8). */
import { unitOfProcess } from '../../host/processes.ts';
import type { ObserveContext } from '../capability.ts';
import { holdersIn } from './socket-holders.ts';

const LINK_UNIT = 'countersign-link.service';

export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** Both ends of a TCP connection and the processes that hold it. */
export interface Connection {
  readonly local: Peer;
  readonly peer: Peer;
  readonly pids: readonly number[];
}

/**
 * Where the link is connected to; empty when it is not; `null` when that cannot be told. Where there are no units, the link is
 * the parent of the process that asks.
 */
export async function readLinkPeers(context: ObserveContext): Promise<Peer[] | null> {
  const argv = ['ss', '-H', '-n', '-t', '-p', 'state', 'established'];
  const done = await context.exec({ argv, timeoutMs: 5000, hostNetwork: true, signal: context.signal });
  if (done.exitCode !== 0) return null;
  return parseConnections(done.stdout)
    .filter(({ pids }) => pids.some((pid) => pid === process.ppid || unitOfProcess(pid) === LINK_UNIT))
    .map(({ peer }) => peer);
}

/** Lines of `ss -H -n -t -p state established`: recv-q send-q local peer users:((…)). */
export function parseConnections(text: string): Connection[] {
  return text.split('\n').flatMap((line) => {
    const [, , local, peer] = line.trim().split(/\s+/);
    const [here, there] = [endOf(local), endOf(peer)];
    const pids = holdersIn(line).map(({ pid }) => pid);
    return here === null || there === null ? [] : [{ local: here, peer: there, pids }];
  });
}

function endOf(text: string | undefined): Peer | null {
  const found = /^\[?([^\]]*)\]?:(\d+)$/.exec(text ?? '');
  return found === null
    ? null
    : { address: (found[1] ?? '').replace(/%.*$/, '').replace(/^::ffff:/, ''), port: Number(found[2]) };
}
