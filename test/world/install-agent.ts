/** Puts the agent on a real systemd host the way a person does: add a server, paste the command. */
import type { Host } from '../hosts/host.ts';
import { eventually } from './eventually.ts';
import type { World } from './world.ts';

/** Adds a server and runs its install command on the host. Resolves with the server's id when it is green. */
export async function installAgent(world: World, host: Host, name: string, extra = ''): Promise<string> {
  const { server, install_command: command } = await world.owner('addServer', { name });
  const { stdout, stderr, exitCode } = await host.exec(['sh', '-c', `${command} ${extra}`], {
    // The first one waits until the control plane has packed a whole Node, and several install at once.
    timeoutMs: 240_000,
    okCodes: 'any',
  });
  if (exitCode !== 0) throw new Error(`install.sh ended with ${exitCode}:\n${stdout}\n${stderr}`);
  await serverOnline(world, server.id);
  return server.id;
}

/** Waits until the control plane sees the server. */
export function serverOnline(world: World, id: string): Promise<true> {
  return eventually(
    `server ${id} to be online`,
    async () => (await world.owner('getServerStatus', { server: id })).state === 'online' || false,
    // A link that lost a control plane that was gone for long waits for up to a minute before it dials again.
    { timeoutMs: 120_000 },
  ) as Promise<true>;
}
