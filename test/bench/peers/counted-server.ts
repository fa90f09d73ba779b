/** A server in a process of its own that tells how much CPU time it took: the side that starts it, and the side that serves. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { node } from '../../world/places.ts';
import { startChild } from './own-child.ts';

export interface CountedServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** CPU time that it took so far, milliseconds. */
  cpuMs(): Promise<number>;
}

/** Starts a script of this folder that calls {@link serveCounted}. */
export async function startCounted(script: string, argv: readonly string[] = []): Promise<CountedServer> {
  const child = startChild(node, [join(import.meta.dirname, script), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = once(child.process, 'exit').then(() => {
    throw new Error(`${script} ended:\n${child.printed()}`);
  });
  ended.catch(() => undefined);
  const told = async (name: string) => {
    const [message] = await Promise.race([once(child.process, 'message'), ended]);
    return (message as Record<string, number>)[name] ?? Number.NaN;
  };
  const port = await told('port');
  return {
    ...{ pid: child.pid, port },
    cpuMs: () => {
      const answer = told('cpuMs');
      child.process.send('cpu');
      return answer;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** In the child: listens on loopback, tells its port, and on the message `cpu` the CPU time that it took so far. */
export function serveCounted(server: Server): void {
  server.listen(0, '127.0.0.1', 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000 });
  });
  process.on('disconnect', () => process.exit(0));
}
