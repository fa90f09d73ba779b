/** The processes that hold a socket, as ss(8) prints them at the end of its line. */

export interface SocketHolder {
  readonly name: string;
  readonly pid: number;
}

/**
 * Of `users:(("nginx",pid=12,fd=6),("nginx",pid=11,fd=6))` each process once. A process names itself as it likes, in 15 bytes, and
 * ss prints that as it stands: what such a name says of other processes is not taken, since a piece has to end as ss ends it.
 */
export function holdersIn(line: string): SocketHolder[] {
  const users = /\susers:\((\(".*\))\)\s*$/.exec(line)?.[1] ?? '';
  const pieces = users.matchAll(/\("(.{0,15}?)",pid=(\d+),fd=\d+\)(?=,\("|$)/g);
  const holders = [...pieces].map(([, name = '', pid]) => ({ name, pid: Number(pid) }));
  return [...new Map(holders.map((holder) => [holder.pid, holder])).values()];
}
