/** The code behind `protocol/src/capabilities/network.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { dns } from './dns.ts';
import { probeLink } from './link-probe.ts';
import { probeHttp, probeTcp } from './local-probe.ts';
import { networkPorts } from './network-ports.ts';
import { resolverFix } from './resolver-fix.ts';
import { probeResolver } from './resolver-probe.ts';

export const diagnostics = { dns, network_ports: networkPorts } satisfies Partial<Observers>;
export const probes = {
  'http.probe': async ({ url, host }, context) => probeHttp(context, url, host),
  'tcp.probe': async ({ port }, context) => probeTcp(context, port),
  'resolver.probe': async ({ name }, context) => probeResolver(context, name),
  'agent.link': async (_, context) => probeLink(context),
} satisfies Partial<Observers>;
export const changes = { 'resolver.fix': resolverFix } satisfies Partial<Changers>;
