/**
 * The ground on which the catalog is proved: one real Debian with everything that the rows break, the real control plane, the
 * agent as its install script puts it there, and an assistant that may only ask.
 */
import type { Call } from '@countersign/protocol/operator-api/index';
import { bootHost, type Host } from '../hosts/host.ts';
import { CATALOG_PACKAGES } from '../hosts/image.ts';
import { installAgent, serverOnline } from '../world/install-agent.ts';
import { startWorld, type World } from '../world/world.ts';

export interface Ground extends AsyncDisposable {
  readonly host: Host;
  readonly world: World;
  /** Name of the server, as people and assistants say it. */
  readonly name: string;
  readonly server: string;
  /** An assistant's token with scope `request`: it reads and asks, and can decide nothing. */
  readonly assistant: Call;
  /** Puts another policy on the server; it holds from the next message on. The agent tells of it within 30 s, by connecting anew. */
  setPolicy(text: string): Promise<void>;
  /** The same, and waits until the agent has told of it, so that no test meets the moment in which it connects anew. */
  tellPolicy(text: string): Promise<void>;
}

/** What the owner of such a server allows: everything that the catalog has. */
export const OPEN_POLICY = `mode: act
max_risk: critical
lockout: [ssh, firewall, network]
write_roots: [/etc, /srv, /var/www, /opt, /usr/local/etc, /var/log, /var/lib]
read_roots: [/etc, /srv, /var/log, /var/www, /opt, /usr/local/etc]
`;

const POLICY_FILE = '/etc/countersign/policy.yaml';
/** systemd starts no unit more than a few times in ten seconds, and the status file still tells of the connection before. */
const RESTART_LINK = `systemctl reset-failed countersign-link 2>/dev/null
rm -f /var/lib/countersign/link/status.json
systemctl restart countersign-link
exec runuser -u countersign -- /opt/countersign/current/bin/countersign-agent status --config /etc/countersign/agent.yaml --wait 45 >&2`;

/** Boots a host of this name with an agent under a control plane of its own. Everything ends when it is disposed. */
export async function openGround(
  name: string,
  {
    policy = OPEN_POLICY,
    rules,
    diskMiB = 4096,
  }: {
    readonly policy?: string;
    /** The control plane's own policy; the built-in one unless told. */
    readonly rules?: string;
    readonly diskMiB?: number;
  } = {},
): Promise<Ground> {
  const host = await bootHost({ name, packages: CATALOG_PACKAGES, diskMiB });
  let world: World | undefined;
  try {
    world = await startWorld({ host: host.gateway, ...(rules === undefined ? {} : { policy: rules }) });
    const server = await installAgent(world, host, name);
    const here = world;
    const setPolicy = (text: string) => host.writeFile(POLICY_FILE, text, '0600');
    const tellPolicy = async (text: string) => {
      await setPolicy(text);
      await host.exec(['sh', '-c', RESTART_LINK], { timeoutMs: 60_000 });
      await serverOnline(here, server);
    };
    await tellPolicy(policy);
    return {
      host,
      world,
      name,
      server,
      assistant: here.as(await here.token()),
      setPolicy,
      tellPolicy,
      [Symbol.asyncDispose]: async () => {
        await here[Symbol.asyncDispose]();
        await host[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await world?.[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    throw error;
  }
}
