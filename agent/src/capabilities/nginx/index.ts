/** The code behind `protocol/src/capabilities/nginx.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { nginxMaintenance, nginxMaintenanceState } from './maintenance.ts';
import { nginx } from './nginx.ts';
import { nginxReload } from './nginx-reload.ts';
import { nginxTestProbe } from './nginx-test-probe.ts';

export const diagnostics = { nginx } satisfies Partial<Observers>;
export const probes = {
  'nginx.test': nginxTestProbe,
  'nginx.maintenance_state': nginxMaintenanceState,
} satisfies Partial<Observers>;
export const changes = {
  'nginx.reload': nginxReload,
  'nginx.maintenance': nginxMaintenance,
} satisfies Partial<Changers>;
