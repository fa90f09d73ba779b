/** The code behind `protocol/src/capabilities/network.ts`. */
import type { Observers } from '../capability.ts';
import { dns } from './dns.ts';
import { probeHttp, probeTcp } from './local-probe.ts';
import { networkPorts } from './network-ports.ts';

export const diagnostics = { dns, network_ports: networkPorts } satisfies Partial<Observers>;
export const probes = {
  'http.probe': async ({ url, host }, context) => probeHttp(context, url, host),
  'tcp.probe': async ({ port }, context) => probeTcp(context, port),
} satisfies Partial<Observers>;
export const changes = {};
