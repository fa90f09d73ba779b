/** What this agent can do: the code behind the capability table of protocol, an area per folder. */
import * as agent from './agent/index.ts';
import type { Changers, Observers } from './capability.ts';
import * as certificates from './certificates/index.ts';
import * as commands from './commands/index.ts';
import * as containers from './containers/index.ts';
import * as databases from './databases/index.ts';
import * as deploys from './deploys/index.ts';
import * as discovery from './discovery/index.ts';
import * as disk from './disk/index.ts';
import * as files from './files/index.ts';
import * as firewall from './firewall/index.ts';
import * as host from './host/index.ts';
import * as kubernetes from './kubernetes/index.ts';
import * as logs from './logs/index.ts';
import * as network from './network/index.ts';
import * as nginx from './nginx/index.ts';
import * as packages from './packages/index.ts';
import * as processes from './processes/index.ts';
import * as schedule from './schedule/index.ts';
import * as ssh from './ssh/index.ts';
import * as time from './time/index.ts';
import * as units from './units/index.ts';

export { availableCapabilities } from './available.ts';
export type * from './capability.ts';

export const observers: Observers = {
  ...agent.diagnostics,
  ...agent.probes,
  ...certificates.diagnostics,
  ...certificates.probes,
  ...commands.diagnostics,
  ...commands.probes,
  ...containers.diagnostics,
  ...containers.probes,
  ...databases.diagnostics,
  ...databases.probes,
  ...deploys.diagnostics,
  ...deploys.probes,
  ...discovery.diagnostics,
  ...discovery.probes,
  ...disk.diagnostics,
  ...disk.probes,
  ...files.diagnostics,
  ...files.probes,
  ...firewall.diagnostics,
  ...firewall.probes,
  ...host.diagnostics,
  ...host.probes,
  ...kubernetes.diagnostics,
  ...kubernetes.probes,
  ...logs.diagnostics,
  ...logs.probes,
  ...network.diagnostics,
  ...network.probes,
  ...nginx.diagnostics,
  ...nginx.probes,
  ...packages.diagnostics,
  ...packages.probes,
  ...processes.diagnostics,
  ...processes.probes,
  ...schedule.diagnostics,
  ...schedule.probes,
  ...ssh.diagnostics,
  ...ssh.probes,
  ...time.diagnostics,
  ...time.probes,
  ...units.diagnostics,
  ...units.probes,
};
export const changers: Changers = {
  ...agent.changes,
  ...certificates.changes,
  ...commands.changes,
  ...containers.changes,
  ...databases.changes,
  ...deploys.changes,
  ...discovery.changes,
  ...disk.changes,
  ...files.changes,
  ...firewall.changes,
  ...host.changes,
  ...kubernetes.changes,
  ...logs.changes,
  ...network.changes,
  ...nginx.changes,
  ...packages.changes,
  ...processes.changes,
  ...schedule.changes,
  ...ssh.changes,
  ...time.changes,
  ...units.changes,
};
